//! A prompt that was asked and has not begun: one attempt at it, or two where the first is late.
//!
//! A second attempt is a prompt of its own, with its own channel and its own guard, so each has exactly
//! one owner at a time. Whoever asked decides the race: what begins first is the answer, and the other
//! is dropped, which cancels it.

use std::future::pending;

use protocol::{Owner, PromptRequest, TaskId};
use scheduler::{EnsembleId, NodePreference, PromptId, Standing};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::answer::AnswerEnd;
use super::handle::{CancelOnDrop, Dispatcher};
use super::prompt::Beginning;
use super::{Answer, AnsweringNode, Refusal, Token};
use crate::keys::Bill;

/// Dropping it cancels the prompt.
#[derive(Debug)]
pub struct Asked {
    pub(super) dispatcher: Dispatcher,
    pub(super) wishes: Wishes,
    pub(super) first: Attempt,
    /// Fired once the first attempt is late.
    pub(super) late: Option<oneshot::Receiver<Late>>,
}

/// What both attempts have in common but for the request.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    pub(super) preference: NodePreference,
    pub(super) demand: NodePreference,
    pub(super) owner: Option<Owner>,
    pub(super) resume: bool,
    pub(super) ensemble: Option<EnsembleId>,
}

/// A first token that is late, told by whoever holds the prompt.
pub(super) struct Late {
    /// As it was asked.
    pub(super) request: PromptRequest,
    pub(super) node: AnsweringNode,
    pub(super) bill: Bill,
    pub(super) submitted: Instant,
}

/// The reader's ends of one prompt.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) id: PromptId,
    pub(super) task_id: TaskId,
    pub(super) begun: oneshot::Receiver<Result<Beginning, Refusal>>,
    pub(super) tokens: mpsc::Receiver<Token>,
    pub(super) ending: oneshot::Receiver<AnswerEnd>,
    pub(super) guard: CancelOnDrop,
}

/// Tells where a prompt stands in the queue. Holding one keeps nothing alive.
#[derive(Clone, Debug)]
pub struct Ticket {
    dispatcher: Dispatcher,
    prompt: PromptId,
}

impl Ticket {
    /// None where the prompt does not wait, or not any more.
    pub async fn standing(&self) -> Option<Standing> {
        self.dispatcher.standing(self.prompt).await
    }
}

impl Asked {
    pub fn ticket(&self) -> Ticket {
        Ticket {
            dispatcher: self.dispatcher.clone(),
            prompt: self.first.id,
        }
    }

    /// Waits for the first event: the answer's first token, or why there will be none.
    pub async fn answer(self) -> Result<Answer, Refusal> {
        let Self {
            dispatcher,
            wishes,
            mut first,
            mut late,
        } = self;
        let mut second: Option<Attempt> = None;
        let mut refused = None;
        loop {
            tokio::select! {
                biased;
                begun = first.begun(), if refused.is_none() => match begun {
                    Ok(beginning) => return Ok(first.into_answer(beginning)),
                    Err(refusal) if second.is_some() && !refusal.is_an_operators() => refused = Some(refusal),
                    Err(refusal) => return Err(refusal),
                },
                begun = begun(&mut second), if second.is_some() => match (begun, second.take()) {
                    (Ok(beginning), Some(second)) => return Ok(second.into_answer(beginning)),
                    (Err(refusal), _) if refusal.is_an_operators() => return Err(refusal),
                    _ => if let Some(refusal) = refused {
                        return Err(refusal);
                    },
                },
                told = told(&mut late), if late.is_some() => {
                    late = None;
                    if let Some(told) = told && refused.is_none() {
                        second = Some(dispatcher.second_attempt(&wishes, told, first.id));
                    }
                }
            }
        }
    }
}

async fn begun(attempt: &mut Option<Attempt>) -> Result<Beginning, Refusal> {
    match attempt {
        Some(attempt) => attempt.begun().await,
        None => pending().await,
    }
}

async fn told(late: &mut Option<oneshot::Receiver<Late>>) -> Option<Late> {
    match late {
        Some(late) => late.await.ok(),
        None => pending().await,
    }
}

impl Attempt {
    async fn begun(&mut self) -> Result<Beginning, Refusal> {
        // A prompt that is dropped without a word was dropped by a hub that is going down.
        let begun = (&mut self.begun).await.unwrap_or(Err(Refusal::Stopping));
        begun.inspect_err(|_| self.guard.disarm())
    }

    fn into_answer(self, beginning: Beginning) -> Answer {
        Answer {
            task_id: self.task_id,
            node: beginning.node,
            model: beginning.model,
            queued: beginning.queued,
            first_token: beginning.first_token,
            tokens: self.tokens,
            ending: Some(self.ending),
            guard: self.guard,
        }
    }
}

/// Without the prompt's text: this may end up in a log.
impl std::fmt::Debug for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Late")
            .field("node", &self.node.id)
            .finish_non_exhaustive()
    }
}
