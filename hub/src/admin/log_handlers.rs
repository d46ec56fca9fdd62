//! `GET /api/admin/log`: the log as it is written, as server-sent events.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, future::BoxFuture, stream};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast},
    time::{Instant, sleep_until},
};
use tracing::Level;

use super::Operator;
use crate::{
    error::ApiError,
    logging::{Line, Tail},
    state::Hub,
    stats::LiveStats,
};

/// Operators and their programs, all together.
pub(super) const READERS: usize = 16;

/// A reader then comes back, and is asked anew who it is.
const LASTS: Duration = Duration::from_secs(10 * 60);

/// Silence that proxies take for granted; comments keep a longer one alive.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    #[serde(default)]
    level: Least,
}

/// The least that is shown.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Least {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Serialize)]
struct LineView<'a> {
    at_ms: u64,
    level: &'static str,
    /// The part of the program.
    target: &'a str,
    message: &'a str,
}

/// Lines that came faster than they were read.
#[derive(Debug, Serialize)]
struct Missed {
    missed: u64,
}

pub(super) async fn follow(
    operator: Operator,
    State(hub): State<Hub>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(Parameters { level }) = parameters.map_err(|_| {
        ApiError::invalid(
            "level",
            "'level' must be one of error, warn, info, debug, trace",
        )
    })?;
    let place = Arc::clone(&hub.admin.log_readers).try_acquire_owned();
    let place = place.map_err(|_full| ApiError::too_many_log_readers(READERS))?;
    let last = headers.get(LAST_EVENT_ID);
    let last = last.and_then(|id| id.to_str().ok()?.parse().ok());
    let (backlog, news) = Tail::of_this_process().after(last);
    let reader = Reader {
        backlog,
        news,
        level: level.into(),
        until: Instant::now() + LASTS,
        live: hub.live.clone(),
        gone: Box::pin(operator.gone(hub.keys.clone())),
        _place: place,
    };
    let keep_alive = KeepAlive::new()
        .interval(KEEP_ALIVE_INTERVAL)
        .text("keep-alive");
    // nginx would otherwise hold events back until its buffer is full.
    let unbuffered = (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    let events = Sse::new(reader.events()).keep_alive(keep_alive);
    Ok(([unbuffered], events).into_response())
}

struct Reader {
    backlog: VecDeque<Arc<Line>>,
    news: broadcast::Receiver<Arc<Line>>,
    level: Level,
    until: Instant,
    /// Ends when the hub stops.
    live: LiveStats,
    /// Ends where whoever reads has logged out, or his key is good no more.
    gone: BoxFuture<'static, ()>,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        stream::unfold(self, |mut reader| async move {
            let event = reader.next().await?;
            Some((Ok(event), reader))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(line) = self.backlog.pop_front() {
                // The more is told, the greater the level.
                if line.level <= self.level {
                    return event(&line);
                }
            }
            tokio::select! {
                line = self.news.recv() => match line {
                    Ok(line) => self.backlog.push_back(line),
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        return Event::default().event("missed").json_data(Missed { missed }).ok();
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
                () = sleep_until(self.until) => return None,
                () = &mut self.gone => return None,
                () = self.live.closed() => return None,
            }
        }
    }
}

fn event(line: &Line) -> Option<Event> {
    let view = LineView {
        at_ms: line.at_ms,
        level: match line.level {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        },
        target: &line.target,
        message: &line.message,
    };
    let event = Event::default().id(line.number.to_string());
    event.json_data(view).ok()
}

impl From<Least> for Level {
    fn from(least: Least) -> Self {
        match least {
            Least::Error => Self::ERROR,
            Least::Warn => Self::WARN,
            Least::Info => Self::INFO,
            Least::Debug => Self::DEBUG,
            Least::Trace => Self::TRACE,
        }
    }
}
