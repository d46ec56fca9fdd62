//! The nodes' side of the hub: `/ws`, and one task for every node's connection.

mod connection;
mod held;
mod hello;
mod outgoing;
mod rate_limit;
mod session;
mod settings;
mod upgrade;
mod violation;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use futures_util::StreamExt;
use protocol::MAX_NODE_FRAME_BYTES;

use crate::decisions::Decisions;
use crate::dispatch::Dispatcher;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::net::ConnectionLimit;

/// Whoever a first frame lets in.
#[cfg(any(fuzzing, test))]
pub(crate) fn introduction(frame: &str) -> Option<crate::dispatch::Introduction> {
    let nobody_knows =
        |_: &crate::keys::KeySecret| Err(violation::Closing::Unauthorised("nobody's key"));
    let admitted = hello::admit(frame, &NodeSettings::default(), nobody_knows);
    Some(admitted.ok()?.introduction)
}

pub use settings::NodeSettings;
pub(crate) use upgrade::upgrade;

/// Of each connection: a token's frame is some hundred bytes. The library's own are so large that ten
/// thousand idle nodes would have a gigabyte.
const READ_BUFFER_BYTES: usize = 2 << 10;

/// What `/ws` needs to let a node in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct NodeGate {
    dispatcher: Dispatcher,
    decisions: Decisions,
    keys: Keys,
    /// Browsers that compute without a key, by their address; how many may is in the settings.
    browsers: ConnectionLimit,
    metrics: Metrics,
}

impl NodeGate {
    pub fn new(dispatcher: Dispatcher, decisions: Decisions, keys: Keys, metrics: Metrics) -> Self {
        Self {
            dispatcher,
            keys,
            metrics,
            browsers: ConnectionLimit::new(usize::MAX),
            decisions,
        }
    }

    /// As they are at this moment.
    fn settings(&self) -> Arc<NodeSettings> {
        Arc::clone(&self.decisions.settings.shown().tuned.nodes)
    }

    /// Answers `GET /ws` from this client's address once origin and limits were checked. `permit`
    /// is dropped when the node's connection ends.
    pub fn accept(
        &self,
        upgrade: WebSocketUpgrade,
        address: IpAddr,
        permit: impl Send + 'static,
    ) -> Response {
        let gate = self.clone();
        upgrade
            .max_message_size(MAX_NODE_FRAME_BYTES)
            .max_frame_size(MAX_NODE_FRAME_BYTES)
            .read_buffer_size(READ_BUFFER_BYTES)
            .on_failed_upgrade(|error| tracing::debug!("a node's upgrade failed: {error}"))
            .on_upgrade(move |socket| {
                let (sink, incoming) = socket.split();
                async move {
                    connection::serve(sink, incoming, &gate, address).await;
                    drop(permit);
                }
            })
    }
}
