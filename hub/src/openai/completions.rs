//! `POST /v1/chat/completions`.

use std::pin::pin;

use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use futures_util::{
    Stream, TryFutureExt,
    future::{self, Either},
};

use super::{
    chunks::{Chunk, chunks},
    completion::Completion,
    request::{self, ChatCompletionRequest},
    stream::{KEEP_ALIVE_INTERVAL, event_stream},
    submission::{ensemble, submission},
};
use crate::{
    access::{self, Caller},
    dispatch::{Answer, Refusal},
    error::ApiError,
    serve::WholeBody,
    state::Hub,
};

const TASK: HeaderName = HeaderName::from_static("x-kipina-task");

pub(crate) async fn create_chat_completion(
    State(hub): State<Hub>,
    caller: Caller,
    WholeBody(body): WholeBody,
) -> Result<Response, ApiError> {
    let request = request::parse(&body)?;
    let wishes = Wishes::of(&request);
    let ensemble = ensemble(&request)?;
    let mut submission = submission(request, caller.asker())?;
    caller.check_model(&submission.request.model)?;
    let expected = submission.expected_tokens().saturating_mul(ensemble);
    let admission = caller.admit(expected).await?;
    let standing = admission.standing;
    let dispatcher = hub.dispatcher;
    let answer = Box::pin(async move {
        if ensemble == 1 {
            submission.bill = admission.into_bill();
            return dispatcher.submit(submission).await;
        }
        // Nothing is billed where too few nodes are here.
        let id = dispatcher.ensemble(&submission, ensemble).await?;
        submission.bill = admission.into_bill();
        dispatcher.submit_ensemble(submission, id, ensemble).await
    });
    let answered = if wishes.stream {
        stream(answer, wishes.include_usage).await
    } else {
        plain(answer).await
    };
    let mut response = answered.into_response();
    access::tell(&standing, response.headers_mut());
    Ok(response)
}

/// How the answer should be sent.
struct Wishes {
    stream: bool,
    include_usage: bool,
}

impl Wishes {
    fn of(request: &ChatCompletionRequest) -> Self {
        let options = request.stream_options.as_ref();
        Self {
            stream: request.stream.unwrap_or_default(),
            include_usage: options
                .and_then(|options| options.include_usage)
                .unwrap_or_default(),
        }
    }
}

async fn plain(
    answer: impl Future<Output = Result<Answer, Refusal>>,
) -> Result<Response, ApiError> {
    let answer = answer.await?;
    let task = task_header(&answer);
    let completion = Completion::fold(chunks(answer, true)).await?;
    Ok((task, Json(completion)).into_response())
}

/// A refusal is a true HTTP status as long as it comes before the first keep-alive is due. Later
/// the response has to begin, so that nobody on the way takes the wait for a dead connection, and
/// a refusal becomes an event of the stream.
async fn stream<F>(answer: F, include_usage: bool) -> Result<Response, ApiError>
where
    F: Future<Output = Result<Answer, Refusal>> + Unpin + Send + 'static,
{
    match future::select(answer, pin!(tokio::time::sleep(KEEP_ALIVE_INTERVAL))).await {
        Either::Left((answer, _)) => {
            let answer = answer?;
            let task = task_header(&answer);
            Ok((task, event_stream(chunks(answer, include_usage))).into_response())
        }
        Either::Right(((), answer)) => Ok(event_stream(late_chunks(answer, include_usage))),
    }
}

/// The chunks of an answer that has not begun.
fn late_chunks(
    answer: impl Future<Output = Result<Answer, Refusal>> + Send,
    include_usage: bool,
) -> impl Stream<Item = Result<Chunk, ApiError>> + Send {
    answer
        .map_ok(move |answer| chunks(answer, include_usage))
        .map_err(ApiError::from)
        .try_flatten_stream()
}

fn task_header(answer: &Answer) -> [(HeaderName, HeaderValue); 1] {
    // Task ids are the hub's own, plain ASCII; were one not, the header is not worth a failure.
    let task = HeaderValue::from_str(&answer.task_id.0);
    [(
        TASK,
        task.unwrap_or_else(|_| HeaderValue::from_static("unknown")),
    )]
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, http::StatusCode};

    use super::*;

    /// A refusal after so many seconds in the queue.
    async fn refused_after(seconds: u64) -> Result<Response, ApiError> {
        let refusal = Box::pin(async move {
            tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
            Err(Refusal::Stopping)
        });
        stream(refusal, false).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_early_refusal_is_a_true_status() {
        let error = refused_after(10)
            .await
            .expect_err("there is nothing to stream");
        assert_eq!(
            error.into_response().status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_wait_is_kept_alive_and_a_late_refusal_ends_the_stream() {
        let response = refused_after(50)
            .await
            .expect("the stream begins while the prompt waits");
        assert_eq!(response.status(), StatusCode::OK);
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8_lossy(&body);
        let events: Vec<&str> = body.split_terminator("\n\n").collect();
        let (last, waiting) = events.split_last().unwrap();
        assert_eq!(
            waiting,
            [": keep-alive", ": keep-alive"],
            "at 30 and 45 seconds"
        );
        assert!(
            last.starts_with(r#"data: {"error":{"#) && last.contains("hub_stopping"),
            "{last}"
        );
    }
}
