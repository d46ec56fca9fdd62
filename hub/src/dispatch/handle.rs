//! The handle that everyone but the dispatcher's own task holds.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Catalogue, PromptRequest, TaskId};
use tokio::sync::mpsc;

use super::{Answer, OutcomeSink, Refusal, Snapshot};

/// A handle to the one task that owns the scheduler. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    requests: mpsc::UnboundedSender<Request>,
}

/// Limits of the dispatcher. The defaults suit a public hub.
#[derive(Clone, Debug)]
pub struct DispatchSettings {
    /// Prompts that may wait for one model.
    pub queue_length: usize,
    /// How long a prompt may wait for a node.
    pub queue_deadline: Duration,
    /// Nodes that are tried before a prompt is given up.
    pub attempts: u32,
    /// Frames of an answer that may wait for its reader.
    pub answer_buffer: usize,
}

impl Default for DispatchSettings {
    fn default() -> Self {
        Self {
            queue_length: 64,
            queue_deadline: Duration::from_secs(120),
            attempts: 3,
            answer_buffer: 1024,
        }
    }
}

/// A prompt on its way in.
#[derive(Clone, Debug)]
pub struct PromptSubmission {
    /// `request.model` may be a model's id, an alias or a family.
    pub request: PromptRequest,
    pub preference: NodePreference,
}

/// Which nodes may answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NodePreference {
    #[default]
    Any,
    Native,
    Browser,
    Trusted,
}

#[derive(Debug)]
pub(super) enum Request {
    Cancel(TaskId),
}

impl Dispatcher {
    /// Starts the dispatcher's task on the current runtime.
    pub fn start(
        _settings: DispatchSettings,
        _catalogue: &Catalogue,
        _sink: Arc<dyn OutcomeSink>,
    ) -> Self {
        let (requests, _inbox) = mpsc::unbounded_channel();
        Self { requests }
    }

    /// Waits for the first event: the answer's first token, or why there will be none.
    pub async fn submit(&self, _submission: PromptSubmission) -> Result<Answer, Refusal> {
        Err(Refusal::Stopping)
    }

    /// Nodes, queue and models as they are now.
    pub async fn snapshot(&self) -> Snapshot {
        Snapshot::default()
    }

    /// Takes no more prompts, lets those that run finish within `patience`, then closes every
    /// node's connection.
    pub async fn drain(&self, _patience: Duration) {}
}

/// Cancels its prompt when dropped, unless the answer came to its end before.
#[derive(Debug)]
pub(super) struct CancelOnDrop {
    task_id: TaskId,
    requests: Option<mpsc::UnboundedSender<Request>>,
}

impl CancelOnDrop {
    pub(super) fn disarm(&mut self) {
        self.requests = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(requests) = self.requests.take() {
            // A dispatcher that is gone has nothing left to cancel.
            let _ = requests.send(Request::Cancel(self.task_id.clone()));
        }
    }
}
