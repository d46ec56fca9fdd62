//! `POST /v1/chat/completions`.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, TryStreamExt, future};

use super::{
    chunks::chunks,
    completion::Completion,
    queued::{AskStanding, Awaited, Beginning, beginning, pieces},
    request::{self, ChatCompletionRequest},
    stream::{Piece, event_stream},
    submission::{ensemble, submission},
};
use crate::{
    access::{self, Caller},
    dispatch::{Answer, Dispatcher, PromptSubmission},
    error::{ApiError, queue_headers},
    keys::Admission,
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
    let submission = submission(request, caller.asker())?;
    caller.check_model(&submission.request.model)?;
    let expected = submission.expected_tokens().saturating_mul(ensemble);
    let admission = caller.admit(expected).await?;
    let standing = admission.standing;
    let (answer, ask) = if ensemble == 1 {
        one_answer(&hub.dispatcher, submission, admission)
    } else {
        best_answer(hub.dispatcher, submission, admission, ensemble)
    };
    let answered = if wishes.stream {
        stream(answer, ask, wishes.include_usage).await
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

fn one_answer(
    dispatcher: &Dispatcher,
    mut submission: PromptSubmission,
    admission: Admission,
) -> (Awaited, AskStanding) {
    submission.bill = admission.into_bill();
    let asked = dispatcher.ask(submission);
    let ticket = asked.ticket();
    let ask = move || {
        let ticket = ticket.clone();
        async move { ticket.standing().await }.boxed()
    };
    (asked.answer().boxed(), Box::new(ask))
}

/// Of several nodes' answers. Each waits for itself, so there is no one place in a queue to tell of.
fn best_answer(
    dispatcher: Dispatcher,
    mut submission: PromptSubmission,
    admission: Admission,
    size: u32,
) -> (Awaited, AskStanding) {
    let answer = async move {
        // Nothing is billed where too few nodes are here.
        let ensemble = dispatcher.ensemble(&submission, size).await?;
        submission.bill = admission.into_bill();
        dispatcher.submit_ensemble(submission, ensemble, size).await
    };
    (answer.boxed(), Box::new(|| future::ready(None).boxed()))
}

async fn plain(answer: Awaited) -> Result<Response, ApiError> {
    let answer = answer.await?;
    let task = task_header(&answer);
    let completion = Completion::fold(chunks(answer, true)).await?;
    Ok((task, Json(completion)).into_response())
}

/// A refusal is a true HTTP status as long as the response has not begun. It begins with the answer, or
/// earlier where a prompt has to wait: then who waits is told where it stands, nobody on the way takes
/// the silence for a dead connection, and a refusal becomes an event of the stream.
async fn stream(
    answer: Awaited,
    ask: AskStanding,
    include_usage: bool,
) -> Result<Response, ApiError> {
    match beginning(answer, &ask).await {
        Beginning::Told(answer) => {
            let answer = answer?;
            let task = task_header(&answer);
            let chunks = chunks(answer, include_usage).map_ok(Piece::Chunk);
            Ok((task, event_stream(chunks)).into_response())
        }
        Beginning::Waits(answer, standing) => {
            let headers = standing.map(queue_headers).unwrap_or_default();
            let pieces = pieces(answer, standing, ask, include_usage);
            Ok((headers, event_stream(pieces)).into_response())
        }
    }
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
    use std::time::Duration;

    use axum::{body::to_bytes, http::StatusCode};

    use super::*;
    use crate::dispatch::{Refusal, Standing};

    /// A refusal after so many seconds, on a node or in the queue.
    async fn refused_after(seconds: u64, standing: Option<Standing>) -> Result<Response, ApiError> {
        let refusal = async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Err(Refusal::Stopping)
        };
        let ask: AskStanding = Box::new(move || async move { standing }.boxed());
        stream(refusal.boxed(), ask, false).await
    }

    async fn events(response: Response) -> Vec<String> {
        assert_eq!(response.status(), StatusCode::OK);
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8_lossy(&body);
        body.split_terminator("\n\n").map(str::to_owned).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_early_refusal_is_a_true_status() {
        let error = refused_after(10, None)
            .await
            .expect_err("there is nothing to stream");
        assert_eq!(
            error.into_response().status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_wait_is_kept_alive_and_a_late_refusal_ends_the_stream() {
        let response = refused_after(50, None)
            .await
            .expect("the stream begins while the prompt waits");
        let events = events(response).await;
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

    #[tokio::test(start_paused = true)]
    async fn who_waits_in_the_queue_is_told_where() {
        let standing = Standing {
            position: 3,
            expected_wait: Some(Duration::from_millis(8200)),
        };
        let response = refused_after(12, Some(standing)).await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-kipina-queue-position"), "3");
        assert_eq!(header("x-kipina-expected-wait-ms"), "8200");
        let events = events(response).await;
        let told = ": queued position=3 expected_wait_ms=8200";
        assert_eq!(events[..2], [told, told], "after 5 and 10 seconds");
        assert!(events[2].contains("hub_stopping"), "{events:?}");
        assert_eq!(events.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_where_no_node_is_left_is_told_the_place_only() {
        let standing = Standing {
            position: 1,
            expected_wait: None,
        };
        let response = refused_after(7, Some(standing)).await.unwrap();
        assert!(!response.headers().contains_key("x-kipina-expected-wait-ms"));
        assert_eq!(events(response).await[0], ": queued position=1");
    }
}
