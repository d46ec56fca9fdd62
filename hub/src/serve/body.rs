//! A request's body: must come at a pace, and is read whole or refused with the reason.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::StatusCode,
};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::{
    runtime::Handle,
    time::{Instant, Sleep, sleep_until, timeout},
};

use super::HttpLimits;
use crate::{error::ApiError, state::Hub};

/// What is read after a refusal, so that the refusal arrives: a connection that closes on unread bytes is reset.
const MOST_THROWN_AWAY_BYTES: usize = 32 << 20;

/// For all of that; and for a client that sends no more of it, and waits for the answer.
const PATIENCE: Duration = Duration::from_secs(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Fails once it is later than its grace and its length so far allow. What nobody wanted of it is thrown away.
pub(super) struct PacedBody {
    body: Body,
    is_over: bool,
    grace: Duration,
    bytes_per_second: u32,
    /// Since somebody wants to read it.
    began: Option<Instant>,
    received_bytes: u64,
    due: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the body came too slowly")]
struct TooSlow;

impl PacedBody {
    pub(super) fn new(body: Body, limits: &HttpLimits) -> Self {
        Self {
            body,
            is_over: false,
            grace: limits.body_grace,
            bytes_per_second: limits.body_bytes_per_second,
            began: None,
            received_bytes: 0,
            due: None,
        }
    }

    fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        let began = *self.began.get_or_insert_with(Instant::now);
        let seconds = self.received_bytes as f64 / f64::from(self.bytes_per_second.max(1));
        let due_at = began + self.grace + Duration::from_secs_f64(seconds);
        let due = self
            .due
            .get_or_insert_with(|| Box::pin(sleep_until(due_at)));
        if due.deadline() != due_at {
            due.as_mut().reset(due_at);
        }
        due.as_mut().poll(context).is_ready()
    }
}

impl hyper::body::Body for PacedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.received_bytes += bytes as u64;
            }
            Poll::Ready(_) => self.is_over = true,
            Poll::Pending if self.is_overdue(context) => {
                self.is_over = true;
                return Poll::Ready(Some(Err(axum::Error::new(TooSlow))));
            }
            Poll::Pending => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        if self.is_over || self.body.is_end_stream() {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let rest = std::mem::take(&mut self.body);
            runtime.spawn(timeout(PATIENCE, throw_away(rest)));
        }
    }
}

async fn throw_away(mut rest: Body) {
    let mut left = MOST_THROWN_AWAY_BYTES;
    while left > 0
        && let Ok(Some(Ok(frame))) = timeout(LONGEST_PAUSE, rest.frame()).await
    {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
    }
}

/// A body that a handler wants whole. What is too long, too slow or cut off is refused.
#[derive(Debug)]
pub(crate) struct WholeBody(pub(crate) Bytes);

impl FromRequest<Hub> for WholeBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, hub: &Hub) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, hub).await;
        bytes
            .map(Self)
            .map_err(|rejection| unreadable(&rejection, hub.max_body_bytes))
    }
}

fn unreadable(rejection: &BytesRejection, limit_bytes: usize) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::BodyTooLarge { limit_bytes };
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(rejection);
    while let Some(error) = cause {
        if error.is::<TooSlow>() {
            return ApiError::BodyTooSlow;
        }
        cause = error.source();
    }
    ApiError::BadRequest {
        message: format!("the request's body could not be read: {rejection}"),
        param: None,
        code: Some("unreadable_body"),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use futures_util::stream;
    use tokio::time::sleep;

    use super::*;

    /// So many pieces of a thousand bytes, each after a pause.
    async fn read(pieces: usize, pause: Duration) -> Result<usize, axum::Error> {
        let limits = HttpLimits {
            body_grace: Duration::from_secs(10),
            body_bytes_per_second: 500,
            ..HttpLimits::default()
        };
        let pieces = stream::unfold(pieces, move |left| async move {
            let left = left.checked_sub(1)?;
            sleep(pause).await;
            let piece: Result<_, std::io::Error> = Ok(vec![b' '; 1000]);
            Some((piece, left))
        });
        let body = PacedBody::new(Body::from_stream(pieces), &limits);
        let bytes = to_bytes(Body::new(body), usize::MAX).await?;
        Ok(bytes.len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_take_as_long_as_its_pace_allows() {
        let read = read(100, Duration::from_secs(2)).await;
        assert_eq!(read.unwrap(), 100_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_falls_behind_its_pace_is_given_up_when_it_does() {
        let began = Instant::now();
        let error = read(100, Duration::from_secs(3)).await.unwrap_err();
        assert!(error.to_string().contains("too slowly"), "{error}");
        // Eight pieces came in time: ten seconds and two for each.
        assert_eq!(began.elapsed(), Duration::from_secs(26));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_has_its_grace_only() {
        let began = Instant::now();
        assert!(read(1, Duration::from_secs(3600)).await.is_err());
        assert_eq!(began.elapsed(), Duration::from_secs(10));
    }
}
