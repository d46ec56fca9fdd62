//! What goes out to a node: a bounded queue and the task that empties it.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{SinkExt, stream::SplitSink};
use protocol::{HubMessage, MAX_HUB_FRAME_BYTES};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::violation::Closing;
use crate::metrics::Metrics;

/// For the last frames to leave when a session ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// The writing half of a node's socket, in a task of its own: a node that does not read fills the
/// queue, and never holds up its session.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// Boxed, since a channel begins with room for 32 of whatever it carries, which an idle node never uses.
    queue: mpsc::Sender<Box<Message>>,
    writer: JoinHandle<()>,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("the message is longer than the {MAX_HUB_FRAME_BYTES} bytes that a node takes")]
    TooLong,
    #[error(transparent)]
    Closing(#[from] Closing),
}

impl Outgoing {
    pub(super) fn start(
        socket: SplitSink<WebSocket, Message>,
        frames: usize,
        metrics: Metrics,
    ) -> Self {
        let (queue, inbox) = mpsc::channel(frames.max(1));
        Self {
            queue,
            writer: tokio::spawn(write(socket, inbox, metrics)),
        }
    }

    pub(super) fn send(&self, message: &HubMessage) -> Result<(), SendError> {
        let text = serde_json::to_string(message).map_err(|error| {
            tracing::error!("a message to a node could not be written as JSON: {error}");
            SendError::TooLong
        })?;
        if text.len() > MAX_HUB_FRAME_BYTES {
            return Err(SendError::TooLong);
        }
        Ok(self.push(Message::Text(text.into()))?)
    }

    pub(super) fn ping(&self) -> Result<(), Closing> {
        self.push(Message::Ping(axum::body::Bytes::new()))
    }

    /// Sends what is queued and a close frame, for as long as a node may take for that.
    pub(super) async fn close(mut self, frame: Option<CloseFrame>) {
        if let Some(frame) = frame {
            // A queue that is full belongs to a node that reads nothing anyway.
            let _ = self.push(Message::Close(Some(frame)));
        }
        drop(self.queue);
        if timeout(FAREWELL, &mut self.writer).await.is_err() {
            self.writer.abort();
        }
    }

    fn push(&self, message: Message) -> Result<(), Closing> {
        self.queue
            .try_send(Box::new(message))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Closing::NotReading,
                mpsc::error::TrySendError::Closed(_) => Closing::ConnectionLost,
            })
    }
}

async fn write(
    mut socket: SplitSink<WebSocket, Message>,
    mut inbox: mpsc::Receiver<Box<Message>>,
    metrics: Metrics,
) {
    while let Some(message) = inbox.recv().await {
        // Where writing fails, reading fails too: the session hears of it there.
        if socket.send(*message).await.is_err() {
            return;
        }
        metrics.frame_out();
    }
}
