//! The prompts that wait for a node, in the order in which they were submitted.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::PromptId;
use crate::prompt::Prompt;

/// Ordered by id, hence by submission: a prompt that comes back from a lost node is at the front
/// again without further ado.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: BTreeMap<PromptId, Waiting>,
}

#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) prompt: Prompt,
    since: Duration,
    /// Since when there has been no node at all that could ever take it.
    stranded_since: Option<Duration>,
}

/// How long prompts may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For a busy node.
    pub(crate) busy: Duration,
    /// For any node to come.
    pub(crate) stranded: Duration,
}

impl Waiting {
    pub(crate) fn since(&self) -> Duration {
        self.since
    }

    fn deadline(&self, patience: Patience) -> Duration {
        let busy = self.since.saturating_add(patience.busy);
        self.stranded_since.map_or(busy, |since| {
            busy.min(since.saturating_add(patience.stranded))
        })
    }
}

impl Queue {
    pub(crate) fn insert(&mut self, id: PromptId, prompt: Prompt, now: Duration) {
        self.waiting.insert(
            id,
            Waiting {
                prompt,
                since: now,
                stranded_since: None,
            },
        );
    }

    pub(crate) fn remove(&mut self, id: PromptId) -> Option<Prompt> {
        self.waiting.remove(&id).map(|waiting| waiting.prompt)
    }

    pub(crate) fn get(&self, id: PromptId) -> Option<&Prompt> {
        self.waiting.get(&id).map(|waiting| &waiting.prompt)
    }

    pub(crate) fn contains(&self, id: PromptId) -> bool {
        self.waiting.contains_key(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn iter_waiting(&self) -> impl Iterator<Item = (PromptId, &Waiting)> {
        self.waiting.iter().map(|(id, waiting)| (*id, waiting))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PromptId, &Prompt)> {
        self.waiting
            .iter()
            .map(|(id, waiting)| (*id, &waiting.prompt))
    }

    /// Starts or stops the shorter deadline of prompts that no node could take.
    pub(crate) fn mark_stranded(&mut self, now: Duration, is_stranded: impl Fn(&Prompt) -> bool) {
        for waiting in self.waiting.values_mut() {
            waiting.stranded_since = if is_stranded(&waiting.prompt) {
                waiting.stranded_since.or(Some(now))
            } else {
                None
            };
        }
    }

    pub(crate) fn next_deadline(&self, patience: Patience) -> Option<Duration> {
        self.waiting
            .values()
            .map(|waiting| waiting.deadline(patience))
            .min()
    }

    pub(crate) fn expired(&self, now: Duration, patience: Patience) -> Vec<PromptId> {
        let late = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.deadline(patience) <= now);
        late.map(|(id, _)| *id).collect()
    }
}
