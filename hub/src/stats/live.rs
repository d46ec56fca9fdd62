//! `GET /api/stats/live`: the statistics as server-sent events, whenever they change.
//!
//! One task takes one snapshot a second for everybody, and none while nobody listens. It never waits for
//! a listener: whoever reads slowly misses what lay between, and gets what is true now.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval},
};

use super::listeners::{Listeners, Listening};
use crate::{dispatch::Dispatcher, error::ApiError, net::Gate, state::Hub, store::StoreReader};

/// Between two snapshots.
const PAUSE: Duration = Duration::from_secs(1);

/// Silence that proxies take for granted; comments keep a longer one alive.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Requests that may wait for the task; whoever finds no room waits.
const REQUESTS: usize = 64;

/// A handle to the task. Cheap to clone; the task ends with the last one.
#[derive(Clone, Debug)]
pub struct LiveStats {
    requests: mpsc::Sender<Request>,
    pub(super) listeners: Listeners,
}

#[derive(Debug)]
enum Request {
    Listen(oneshot::Sender<Feed>),
    Close,
}

/// `Stats` as JSON; closed when the hub stops.
type Feed = watch::Receiver<Arc<str>>;

impl LiveStats {
    /// Starts the task on the current runtime.
    pub(crate) fn start(gate: &Gate, dispatcher: Dispatcher, store: StoreReader) -> Self {
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let task = Task {
            dispatcher,
            store,
            feed: watch::Sender::new("".into()),
        };
        tokio::spawn(task.run(inbox));
        Self {
            requests,
            listeners: Listeners::new(gate),
        }
    }

    /// Ends every listener's stream, and takes no more.
    pub async fn close(&self) {
        // A task that is gone has closed its feed.
        let _ = self.requests.send(Request::Close).await;
    }

    /// Returns once the hub stops.
    pub(crate) async fn closed(&self) {
        self.requests.closed().await;
    }

    /// None where the hub is stopping.
    async fn listen(&self) -> Option<Feed> {
        let (reply, replied) = oneshot::channel();
        self.requests.send(Request::Listen(reply)).await.ok()?;
        replied.await.ok()
    }
}

struct Task {
    dispatcher: Dispatcher,
    store: StoreReader,
    feed: watch::Sender<Arc<str>>,
}

impl Task {
    async fn run(self, mut inbox: mpsc::Receiver<Request>) {
        let mut tick = interval(PAUSE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_listened_to = self.feed.receiver_count() > 0;
            tokio::select! {
                request = inbox.recv() => match request {
                    Some(Request::Listen(reply)) => {
                        if !is_listened_to {
                            self.tell_of_changes().await;
                            tick.reset();
                        }
                        // Whoever asked may have left.
                        let _ = reply.send(self.feed.subscribe());
                    }
                    Some(Request::Close) | None => return,
                },
                _ = tick.tick(), if is_listened_to => self.tell_of_changes().await,
            }
        }
    }

    async fn tell_of_changes(&self) {
        let stats = super::now(&self.dispatcher, &self.store).await;
        match serde_json::to_string(&stats) {
            Ok(json) => {
                self.feed.send_if_modified(|told| {
                    let changed = **told != *json;
                    if changed {
                        *told = json.into();
                    }
                    changed
                });
            }
            Err(error) => tracing::error!("statistics could not be written as JSON: {error}"),
        }
    }
}

pub(crate) async fn live(
    listening: Listening,
    State(hub): State<Hub>,
) -> Result<Response, ApiError> {
    let feed = hub.live.listen().await.ok_or_else(ApiError::stopping)?;
    let keep_alive = KeepAlive::new()
        .interval(KEEP_ALIVE_INTERVAL)
        .text("keep-alive");
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // nginx would otherwise hold events back until its buffer is full.
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    let events = Sse::new(events(feed, listening)).keep_alive(keep_alive);
    Ok((headers, events).into_response())
}

/// What is true now, then each change; ends with the feed. Dropping it gives the place back.
fn events(
    mut feed: Feed,
    listening: Listening,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    feed.mark_changed();
    stream::unfold((feed, listening), |(mut feed, listening)| async move {
        feed.changed().await.ok()?;
        let stats = Arc::clone(&feed.borrow_and_update());
        Some((Ok(Event::default().data(stats)), (feed, listening)))
    })
}
