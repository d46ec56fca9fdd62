//! The prompts that one connection has taken, each on a task of its own.

use std::{collections::HashMap, sync::Arc};

use protocol::{AuditPrompt, LlmErrorCode, LlmPrompt, NodeMessage, TaskId};
use tokio::{
    sync::{Notify, mpsc},
    task::{AbortHandle, JoinError, JoinSet},
};

use crate::{
    backend::{AnswerWriter, Backend, Failure},
    language::Language,
    node::Node,
    prompt_log::PromptLog,
    status::Status,
};

/// Other nodes' answers that are judged at the same time. They take no slot: the backend judges when
/// it has nothing else to do.
const AUDITS: usize = 2;

/// Runs at most as many prompts as there are slots. Dropping it abandons them all.
#[derive(Debug)]
pub(super) struct Work {
    backend: Arc<dyn Backend>,
    language: Language,
    status: Status,
    look_again: Arc<Notify>,
    slots: usize,
    frame_bytes: usize,
    frames: mpsc::Sender<NodeMessage>,
    tasks: JoinSet<()>,
    running: HashMap<TaskId, AbortHandle>,
    audits: HashMap<TaskId, AbortHandle>,
    draining: bool,
    paused: bool,
}

impl Work {
    /// `frames`: where answers go. `frame_bytes`: the longest frame that the hub takes.
    pub(super) fn new(node: &Node, frame_bytes: usize, frames: mpsc::Sender<NodeMessage>) -> Self {
        Self {
            backend: Arc::clone(&node.backend),
            language: node.language,
            status: node.status.clone(),
            look_again: Arc::clone(&node.look_again),
            slots: usize::try_from(node.slots).unwrap_or(usize::MAX),
            frame_bytes,
            frames,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            audits: HashMap::new(),
            draining: false,
            paused: false,
        }
    }

    /// Begins to answer, or returns the frame that says why not.
    pub(super) fn begin(&mut self, prompt: LlmPrompt) -> Option<NodeMessage> {
        let task_id = prompt.task_id.clone();
        if self.running.contains_key(&task_id) {
            tracing::warn!("the hub sent prompt {task_id} twice");
            return None;
        }
        if let Some(message) = self.refusal() {
            let failure = Failure::new(LlmErrorCode::Unavailable, message);
            return Some(failure.into_frame(task_id));
        }
        let (backend, frames) = (Arc::clone(&self.backend), self.frames.clone());
        let log = PromptLog::begin(&prompt, self.language, self.status.prompt_began());
        let look_again = Arc::clone(&self.look_again);
        let task = answer(backend, prompt, frames, self.frame_bytes, log, look_again);
        self.running.insert(task_id, self.tasks.spawn(task));
        None
    }

    /// Begins to judge an answer, or returns the frame that says why not.
    pub(super) fn audit(&mut self, audit: AuditPrompt) -> Option<NodeMessage> {
        let task_id = audit.task_id.clone();
        let refusal = match self.reluctance() {
            None if self.audits.len() >= AUDITS => Some("the node judges other answers"),
            reluctance => reluctance,
        };
        if let Some(message) = refusal {
            let failure = Failure::new(LlmErrorCode::Unavailable, message);
            return Some(failure.into_frame(task_id));
        }
        let (backend, frames) = (Arc::clone(&self.backend), self.frames.clone());
        let look_again = Arc::clone(&self.look_again);
        let judging = {
            let task_id = task_id.clone();
            async move {
                let judged = backend.audit(audit).await;
                let last = judged.unwrap_or_else(|failure| {
                    // A model that can't be loaded attracts audits as it does prompts.
                    if is_the_backends(failure.code) {
                        look_again.notify_one();
                    }
                    failure.into_frame(task_id)
                });
                // A lost connection has nobody to tell.
                let _ = frames.send(last).await;
            }
        };
        self.audits.insert(task_id, self.tasks.spawn(judging));
        None
    }

    pub(super) fn cancel(&mut self, task_id: &TaskId) {
        let task = self.running.remove(task_id);
        if let Some(task) = task.or_else(|| self.audits.remove(task_id)) {
            task.abort();
        }
    }

    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// Whether the last frame of every prompt has been passed on.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    fn refusal(&self) -> Option<&'static str> {
        let busy = self.running.len() >= self.slots;
        self.reluctance().or(busy.then_some("the node is busy"))
    }

    /// Why nothing at all is begun.
    fn reluctance(&self) -> Option<&'static str> {
        if self.draining {
            Some("the node is stopping")
        } else if self.paused {
            Some("the node is paused by its owner's limits")
        } else {
            None
        }
    }

    /// What has begun goes on; what was on its way when the pause began is sent back.
    pub(super) fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    pub(super) fn drain(&mut self) {
        self.draining = true;
    }

    /// Whether a frame for the hub still has somebody who waits for it; frees the slot of a prompt
    /// whose last frame it is.
    pub(super) fn is_wanted(&mut self, frame: &NodeMessage) -> bool {
        match frame {
            NodeMessage::LlmToken(token) => self.running.contains_key(&token.task_id),
            NodeMessage::LlmDone(done) => self.running.remove(&done.task_id).is_some(),
            NodeMessage::LlmError(error) => {
                let prompt = self.running.remove(&error.task_id);
                prompt
                    .or_else(|| self.audits.remove(&error.task_id))
                    .is_some()
            }
            NodeMessage::AuditResult(result) => self.audits.remove(&result.task_id).is_some(),
            _ => true,
        }
    }

    /// Waits until a task went wrong in a way that it could not tell itself, and tells it.
    pub(super) async fn next_accident(&mut self) -> NodeMessage {
        loop {
            match self.tasks.join_next_with_id().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    if let Some(frame) = self.accident(&error) {
                        return frame;
                    }
                }
                None => std::future::pending().await,
            }
        }
    }

    /// `None` for a task that was cancelled on purpose.
    fn accident(&mut self, error: &JoinError) -> Option<NodeMessage> {
        let mut begun = self.running.iter().chain(&self.audits);
        let task_id = begun.find(|(_, task)| task.id() == error.id())?.0.clone();
        self.running.remove(&task_id);
        self.audits.remove(&task_id);
        let failure = Failure::backend("the node made a mistake of its own");
        Some(failure.into_frame(task_id))
    }
}

async fn answer(
    backend: Arc<dyn Backend>,
    prompt: LlmPrompt,
    frames: mpsc::Sender<NodeMessage>,
    frame_bytes: usize,
    log: PromptLog,
    look_again: Arc<Notify>,
) {
    let task_id = prompt.task_id.clone();
    let mut writer = AnswerWriter::new(task_id.clone(), frames.clone(), frame_bytes);
    let last = match backend.answer(&prompt, &mut writer).await {
        Ok(ending) => {
            log.done(&ending);
            ending.into_frame(task_id)
        }
        Err(failure) => {
            log.failed(&failure);
            // A backend that is being restarted fails every prompt fast: unless the hub hears at
            // once that there are no models, an idle node attracts more of them.
            if is_the_backends(failure.code) {
                look_again.notify_one();
            }
            failure.into_frame(task_id)
        }
    };
    // A lost connection has nobody to tell.
    let _ = frames.send(last).await;
}

fn is_the_backends(code: LlmErrorCode) -> bool {
    matches!(
        code,
        LlmErrorCode::BackendFailed | LlmErrorCode::ModelUnavailable
    )
}
