//! The prompts that wait for a node, and what is asked about them at every event: none of it may cost
//! a walk along the queue.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::class::{ClassId, Classes};
use crate::deadlines::{Deadlines, Patience};
use crate::lines::Lines;
use crate::prompt::Prompt;
use crate::{ClientId, PromptId};

/// Ordered by id, hence by submission: a prompt that comes back from a lost node is at the front
/// again without further ado. The other fields are indexes of the first.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: BTreeMap<PromptId, Waiting>,
    deadlines: Deadlines,
    lines: Lines,
    classes: Classes,
    /// How many prompts of each client wait, those that nodes had already too.
    clients: HashMap<ClientId, usize>,
    /// By the canonical names of what they ask for.
    models: HashMap<String, BTreeSet<PromptId>>,
}

#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) prompt: Prompt,
    class: ClassId,
    /// The canonical name of what it asks for.
    model: String,
    since: Duration,
    /// Since when there has been no node at all that could ever take it.
    stranded_since: Option<Duration>,
}

impl Waiting {
    pub(crate) fn since(&self) -> Duration {
        self.since
    }
}

impl Queue {
    /// `model`: the canonical name of what it asks for. No such prompt may wait yet.
    pub(crate) fn insert(&mut self, id: PromptId, prompt: Prompt, model: String, now: Duration) {
        let class = self.classes.insert(id, &prompt);
        self.lines.insert(prompt.line(), class, id);
        self.deadlines.wait(now, id);
        *self.clients.entry(prompt.profile.client).or_default() += 1;
        self.models.entry(model.clone()).or_default().insert(id);
        self.waiting.insert(
            id,
            Waiting {
                prompt,
                class,
                model,
                since: now,
                stranded_since: None,
            },
        );
    }

    pub(crate) fn remove(&mut self, id: PromptId) -> Option<Prompt> {
        let waiting = self.waiting.remove(&id)?;
        let prompt = waiting.prompt;
        self.classes.remove(waiting.class, id);
        self.lines.remove(prompt.line(), waiting.class, id);
        self.deadlines
            .remove(waiting.since, waiting.stranded_since, id);
        self.forget_client(prompt.profile.client);
        self.forget_model(&waiting.model, id);
        Some(prompt)
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

    pub(crate) fn ids(&self) -> impl Iterator<Item = PromptId> {
        self.waiting.keys().copied()
    }

    pub(crate) fn lines(&self) -> &Lines {
        &self.lines
    }

    pub(crate) fn clients(&self) -> impl Iterator<Item = &ClientId> + Clone {
        self.clients.keys()
    }

    /// How many kinds of prompts wait: those that the same nodes may answer are of one.
    pub(crate) fn classes(&self) -> usize {
        self.classes.len()
    }

    /// One prompt of each class.
    pub(crate) fn samples(&self) -> impl Iterator<Item = &Prompt> {
        self.classes.samples().filter_map(|id| self.get(id))
    }

    /// The prompts that ask for the model of this canonical name, in the order of submission.
    pub(crate) fn of_model(&self, model: &str) -> impl Iterator<Item = (PromptId, &Prompt)> {
        let ids = self.models.get(model).into_iter().flatten();
        ids.filter_map(|id| Some((*id, self.get(*id)?)))
    }

    pub(crate) fn count_of_model(&self, model: &str) -> usize {
        self.models.get(model).map_or(0, BTreeSet::len)
    }

    /// Starts or stops the shorter deadline of prompts that no node could take.
    pub(crate) fn mark_stranded(&mut self, now: Duration, is_stranded: impl Fn(&Prompt) -> bool) {
        let waiting = &self.waiting;
        let is_stranded =
            |id: PromptId| (waiting.get(&id)).is_some_and(|waiting| is_stranded(&waiting.prompt));
        for (id, is_stranded) in self.classes.mark_stranded(is_stranded) {
            let Some(waiting) = self.waiting.get_mut(&id) else {
                continue;
            };
            match waiting.stranded_since {
                None if is_stranded => {
                    waiting.stranded_since = Some(now);
                    self.deadlines.strand(now, id);
                }
                Some(since) if !is_stranded => {
                    waiting.stranded_since = None;
                    self.deadlines.save(since, id);
                }
                _ => {}
            }
        }
    }

    pub(crate) fn next_deadline(&self, patience: Patience) -> Option<Duration> {
        self.deadlines.next(patience)
    }

    /// In the order of submission.
    pub(crate) fn expired(&self, now: Duration, patience: Patience) -> BTreeSet<PromptId> {
        self.deadlines.expired(now, patience)
    }

    fn forget_client(&mut self, client: ClientId) {
        if let Some(count) = self.clients.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                self.clients.remove(&client);
            }
        }
    }

    fn forget_model(&mut self, model: &str, id: PromptId) {
        if let Some(ids) = self.models.get_mut(model) {
            ids.remove(&id);
            if ids.is_empty() {
                self.models.remove(model);
            }
        }
    }
}
