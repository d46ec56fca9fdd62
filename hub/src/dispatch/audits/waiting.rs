//! An answer that is to be judged: what for, with which weights, for how long.

use std::sync::Arc;
use std::time::Duration;

use protocol::{AuditPrompt, AuditResult, PromptInput, TaskId};
use scheduler::audit::{Identity, Runtime, Sampled, Subject};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Evidence;
use super::judges::Needed;
use crate::dispatch::estimate;

/// What is judged of an answer; 300 tokens are a small part of it.
pub(super) const MOST_ANSWER_BYTES: usize = 64 << 10;

/// Whose answer it is, for the verdict.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    pub(super) node_id: Arc<str>,
    pub(super) node_name: String,
    pub(super) model: String,
    pub(super) audited: Runtime,
    pub(super) subject: Subject,
    /// All that are new behind its address.
    pub(super) newcomers: Option<Identity>,
    pub(super) sampled: Sampled,
}

/// What the judgement is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// Whether the node is honest.
    Trial(Trial),
    /// Which answer is best; somebody waits for it.
    Contest(oneshot::Sender<Option<AuditResult>>),
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) evidence: Evidence,
    /// Of the weights that judge.
    pub(super) digest: String,
    pub(super) purpose: Purpose,
    /// What a judge's context must have room for, and then some: a guess.
    pub(super) prompt_tokens: u32,
    /// Judges that could not tell.
    pub(super) failed: u32,
    /// For a node to find the time, which a busy network may never have.
    pub(super) patience: Duration,
    pub(super) until: Instant,
}

impl Waiting {
    pub(super) fn new(
        mut evidence: Evidence,
        digest: String,
        purpose: Purpose,
        patience: Duration,
    ) -> Self {
        evidence.shorten(MOST_ANSWER_BYTES);
        Self {
            prompt_tokens: estimate::prompt_tokens(&evidence.request),
            evidence,
            digest,
            purpose,
            failed: 0,
            patience,
            until: Instant::now() + patience,
        }
    }

    /// What a judge must have.
    pub(super) fn needed(&self) -> Needed<'_> {
        Needed {
            digest: &self.digest,
            runtime: self.seeded().map(|trial| trial.subject.runtime.as_str()),
            tokens: self.prompt_tokens,
        }
    }

    /// Whose draws are judged.
    fn seeded(&self) -> Option<&Trial> {
        match &self.purpose {
            Purpose::Trial(trial) if trial.sampled == Sampled::Seeded => Some(trial),
            _ => None,
        }
    }

    /// Half of its patience is gone: nobody has been idle, and perhaps nobody will be.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        now + self.patience / 2 >= self.until
    }

    pub(super) fn is_abandoned(&self) -> bool {
        matches!(&self.purpose, Purpose::Contest(reply) if reply.is_closed())
    }

    pub(super) fn is_contest(&self) -> bool {
        matches!(self.purpose, Purpose::Contest(_))
    }

    /// A context of so many tokens was too short.
    pub(super) fn outgrows(&mut self, context_length: u32) {
        self.prompt_tokens = self.prompt_tokens.max(context_length);
    }

    pub(super) fn is_trial_of(&self, identity: &Identity) -> bool {
        matches!(&self.purpose, Purpose::Trial(trial) if trial.subject.identity == *identity)
    }

    pub(super) fn bytes(&self) -> usize {
        let prompt = match &self.evidence.request.input {
            PromptInput::Chat { messages, .. } => messages.iter().map(|m| m.content.len()).sum(),
            PromptInput::Raw { prompt, .. } => prompt.len(),
        };
        self.evidence.answer.len() + prompt
    }

    pub(super) fn prompt(&self, task_id: TaskId, model: String) -> AuditPrompt {
        let mut request = self.evidence.request.clone();
        request.model = model;
        let offered = self.evidence.offered.as_ref();
        AuditPrompt {
            task_id,
            request,
            answer: self.evidence.answer.clone(),
            answer_token_ids: self.evidence.token_ids.clone(),
            finish_reason: self.evidence.finish_reason,
            context_length: offered.map(|model| model.context_length),
            seeded: self.seeded().is_some(),
        }
    }
}
