//! The nodes' side of the hub: `/ws`, and one task for every node's connection.

use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;

use crate::dispatch::Dispatcher;

/// What the hub asks of its nodes. The defaults suit a public hub.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    /// The key that makes a node trusted. Where set, native nodes need it; browsers join without.
    pub key: Option<String>,
    /// How soon `hello` must come.
    pub hello_deadline: Duration,
    /// How often the hub pings; a node silent for three times as long is dropped.
    pub heartbeat: Duration,
    /// How long a node may take from the prompt to its first token.
    pub first_token_deadline: Duration,
    /// How long a node may take from one token to the next.
    pub token_deadline: Duration,
    /// Frames a second that a node may send in the long run.
    pub frames_per_second: u32,
    /// Frames that a node may send at once.
    pub frame_burst: u32,
    /// Frames that may wait for a node to read them.
    pub outgoing_frames: usize,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            key: None,
            hello_deadline: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            first_token_deadline: Duration::from_secs(300),
            token_deadline: Duration::from_secs(60),
            frames_per_second: 2000,
            frame_burst: 4000,
            outgoing_frames: 256,
        }
    }
}

/// What `/ws` needs to let a node in.
#[derive(Clone, Debug)]
pub struct NodeGate {
    dispatcher: Dispatcher,
    settings: NodeSettings,
}

impl NodeGate {
    pub fn new(dispatcher: Dispatcher, settings: NodeSettings) -> Self {
        Self { dispatcher, settings }
    }

    /// Answers `GET /ws` once origin and limits were checked. `permit` is dropped when the
    /// node's connection ends.
    pub fn accept(&self, upgrade: WebSocketUpgrade, permit: impl Send + 'static) -> Response {
        let _ = (&self.dispatcher, &self.settings);
        upgrade.on_upgrade(move |_socket| async move { drop(permit) })
    }
}
