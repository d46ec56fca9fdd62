//! The prompts that one node has, and the rules that its frames about them must keep.

use std::collections::{HashMap, VecDeque};

use protocol::{LlmToken, TaskId};
use scheduler::PromptId;
use tokio::time::Instant;

use super::NodeSettings;
use super::violation::Violation;
use crate::dispatch::{Delivery, Prompt, Token};

/// Cancelled tasks that are remembered at once; a node can't be given more within the tail.
const MOST_CANCELLED: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Held {
    prompts: HashMap<TaskId, HeldPrompt>,
    /// Frames about these are put up with for a while: the node may not have read the cancel yet.
    cancelled: VecDeque<(TaskId, Instant)>,
}

#[derive(Debug)]
struct HeldPrompt {
    prompt: Box<Prompt>,
    next_seq: u64,
    answer_bytes: usize,
    /// When the next token is due.
    deadline: Instant,
}

/// What a token means to the session.
#[derive(Debug)]
pub(super) enum Progress {
    Started(PromptId),
    Nothing,
    /// The prompt is out: its reader can't keep up.
    ReaderTooSlow(Box<Prompt>),
}

impl Held {
    pub(super) fn insert(&mut self, prompt: Box<Prompt>, settings: &NodeSettings, now: Instant) {
        let deadline = now + settings.first_token_deadline;
        let held = HeldPrompt {
            next_seq: 0,
            answer_bytes: prompt.answer_bytes(),
            prompt,
            deadline,
        };
        self.prompts.insert(held.prompt.task_id.clone(), held);
    }

    pub(super) fn token(
        &mut self,
        token: LlmToken,
        settings: &NodeSettings,
        now: Instant,
    ) -> Result<Progress, Violation> {
        let Some(held) = self.prompts.get_mut(&token.task_id) else {
            return self.tolerate(&token.task_id).map(|()| Progress::Nothing);
        };
        if token.seq != held.next_seq {
            return Err(Violation::OutOfOrder {
                task_id: token.task_id,
                expected: held.next_seq,
                found: token.seq,
            });
        }
        held.answer_bytes = held.answer_bytes.saturating_add(token.text.len());
        if held.answer_bytes > settings.answer_bytes {
            return Err(Violation::AnswerTooLong(token.task_id));
        }
        let is_first = held.next_seq == 0;
        held.next_seq += 1;
        held.deadline = now + settings.token_deadline;
        match held.prompt.pass_on(Token {
            text: token.text,
            token_ids: token.token_ids,
        }) {
            Delivery::Passed if is_first => Ok(Progress::Started(held.prompt.id)),
            Delivery::Passed => Ok(Progress::Nothing),
            Delivery::ReaderTooSlow => {
                let prompt = self.remove_cancelled(&token.task_id, now);
                Ok(prompt.map_or(Progress::Nothing, Progress::ReaderTooSlow))
            }
        }
    }

    /// The prompt that the node ended, well or not; None in the tail of a cancelled one.
    pub(super) fn ended(&mut self, task_id: &TaskId) -> Result<Option<Box<Prompt>>, Violation> {
        if let Some(held) = self.prompts.remove(task_id) {
            return Ok(Some(held.prompt));
        }
        self.tail_ended(task_id)?;
        Ok(None)
    }

    /// The node ended a task that it may not have known to be cancelled.
    pub(super) fn tail_ended(&mut self, task_id: &TaskId) -> Result<(), Violation> {
        self.tolerate(task_id)?;
        // Nothing comes after an end, not even in a tail.
        self.cancelled.retain(|(cancelled, _)| cancelled != task_id);
        Ok(())
    }

    /// The prompt's first token is late, unless it came or the prompt left in the meantime.
    pub(super) fn late(&mut self, id: PromptId) {
        let mut held = self.prompts.values_mut();
        let late = held.find(|held| held.prompt.id == id && held.next_seq == 0);
        if let Some(held) = late {
            held.prompt.tell_late();
        }
    }

    /// Takes out a prompt that nobody waits for any more.
    pub(super) fn cancel(&mut self, id: PromptId, now: Instant) -> Option<Box<Prompt>> {
        let held = self.prompts.values().find(|held| held.prompt.id == id)?;
        let task_id = held.prompt.task_id.clone();
        self.remove_cancelled(&task_id, now)
    }

    /// Takes out a prompt, as long as there is one, as if nobody waited for this node's answers any more.
    pub(super) fn cancel_any(&mut self, now: Instant) -> Option<Box<Prompt>> {
        let task_id = self.prompts.keys().next().cloned()?;
        self.remove_cancelled(&task_id, now)
    }

    /// Takes out a prompt whose next token is overdue, as long as there is one, and forgets old cancels.
    pub(super) fn expire(&mut self, settings: &NodeSettings, now: Instant) -> Option<Box<Prompt>> {
        while self
            .cancelled
            .front()
            .is_some_and(|(_, at)| now - *at > settings.cancel_tail)
        {
            self.cancelled.pop_front();
        }
        let mut held = self.prompts.iter();
        let (task_id, _) = held.find(|(_, held)| held.deadline <= now)?;
        let task_id = task_id.clone();
        self.remove_cancelled(&task_id, now)
    }

    pub(super) fn into_prompts(self) -> Vec<Prompt> {
        let held = self.prompts.into_values();
        held.map(|held| *held.prompt).collect()
    }

    fn remove_cancelled(&mut self, task_id: &TaskId, now: Instant) -> Option<Box<Prompt>> {
        let held = self.prompts.remove(task_id)?;
        self.put_up_with(task_id.clone(), now);
        Some(held.prompt)
    }

    /// The node was told a moment ago that nobody waits for this task any more.
    pub(super) fn put_up_with(&mut self, cancelled: TaskId, now: Instant) {
        if self.cancelled.len() >= MOST_CANCELLED {
            self.cancelled.pop_front();
        }
        self.cancelled.push_back((cancelled, now));
    }

    /// A frame about a prompt that the node does not have: a violation, unless it had it a
    /// moment ago.
    fn tolerate(&self, task_id: &TaskId) -> Result<(), Violation> {
        if self
            .cancelled
            .iter()
            .any(|(cancelled, _)| cancelled == task_id)
        {
            Ok(())
        } else {
            Err(Violation::Foreign)
        }
    }
}
