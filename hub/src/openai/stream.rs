//! Chunks as server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt, future, stream};

use super::chunks::Chunk;
use crate::error::ApiError;

/// Silence that proxies and clients take for granted; comments keep a longer wait alive.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// What a stream is made of.
pub(super) enum Piece {
    Chunk(Chunk),
    /// One line that clients skip.
    Comment(String),
}

/// The response that sends each chunk as it comes, then `[DONE]`.
///
/// An error in between is sent as `{"error": …}`, which OpenAI's clients raise as their own
/// `APIError`, and ends the stream without `[DONE]`: the answer is not whole.
pub(super) fn event_stream(
    pieces: impl Stream<Item = Result<Piece, ApiError>> + Send + 'static,
) -> Response {
    let done = stream::once(future::ready(Ok(Event::default().data("[DONE]"))));
    let events = pieces
        .map(|piece| match piece? {
            Piece::Chunk(chunk) => event(&chunk),
            Piece::Comment(text) => Ok(Event::default().comment(text)),
        })
        .chain(done)
        .scan(false, |failed, event| {
            let next = match event {
                _ if *failed => None,
                Ok(event) => Some(event),
                Err(error) => {
                    *failed = true;
                    Some(error_event(&error))
                }
            };
            future::ready(next.map(Ok::<_, Infallible>))
        });
    let keep_alive = KeepAlive::new()
        .interval(KEEP_ALIVE_INTERVAL)
        .text("keep-alive");
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        // nginx would otherwise collect the answer and pass it on in one piece.
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    (headers, Sse::new(events).keep_alive(keep_alive)).into_response()
}

fn event(chunk: &Chunk) -> Result<Event, ApiError> {
    Event::default().json_data(chunk).map_err(|error| {
        tracing::error!("a chunk could not be written as JSON: {error}");
        ApiError::internal("the hub could not write this answer down")
    })
}

fn error_event(error: &ApiError) -> Event {
    Event::default()
        .json_data(error.body())
        .unwrap_or_else(|_| {
            Event::default().data(r#"{"error":{"message":"the answer was cut off"}}"#)
        })
}
