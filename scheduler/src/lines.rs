//! Who stands behind whom: a line for every client, each ordered by submission within a class.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use crate::class::ClassId;
use crate::{ClientId, PromptId};

/// The lines, each by its client. Prompts that nodes had already stand in one of their own, which is
/// nobody's.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    lines: HashMap<Option<ClientId>, Line>,
}

type Line = HashMap<ClassId, BTreeSet<PromptId>>;

impl Lines {
    pub(crate) fn insert(&mut self, client: Option<ClientId>, class: ClassId, prompt: PromptId) {
        let line = self.lines.entry(client).or_default();
        line.entry(class).or_default().insert(prompt);
    }

    pub(crate) fn remove(&mut self, client: Option<ClientId>, class: ClassId, prompt: PromptId) {
        let Some(line) = self.lines.get_mut(&client) else {
            return;
        };
        if let Some(prompts) = line.get_mut(&class) {
            prompts.remove(&prompt);
            if prompts.is_empty() {
                line.remove(&class);
            }
        }
        if line.is_empty() {
            self.lines.remove(&client);
        }
    }

    /// Every client that has a line, with its first prompt.
    pub(crate) fn clients(&self) -> impl Iterator<Item = (ClientId, PromptId)> {
        self.lines.iter().filter_map(|(client, line)| {
            let first = line.values().filter_map(BTreeSet::first).min()?;
            Some(((*client)?, *first))
        })
    }

    /// The first prompt of each class in a line.
    pub(crate) fn heads(
        &self,
        client: Option<ClientId>,
    ) -> impl Iterator<Item = (PromptId, ClassId)> {
        let line = self.lines.get(&client).into_iter().flatten();
        line.filter_map(|(class, prompts)| Some((*prompts.first()?, *class)))
    }

    /// The next of the same class in a line, whether or not the prompt itself still stands there.
    pub(crate) fn behind(
        &self,
        client: Option<ClientId>,
        class: ClassId,
        prompt: PromptId,
    ) -> Option<PromptId> {
        let prompts = self.lines.get(&client)?.get(&class)?;
        prompts.range((Excluded(prompt), Unbounded)).next().copied()
    }
}
