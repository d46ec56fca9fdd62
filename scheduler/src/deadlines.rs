//! Until when prompts may wait, the earliest first.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::PromptId;

/// How long prompts may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For a busy node.
    pub(crate) busy: Duration,
    /// For any node to come.
    pub(crate) stranded: Duration,
}

/// By the beginning of each wait rather than by its end: how long it may be changes with the settings.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    waiting: BTreeSet<(Duration, PromptId)>,
    stranded: BTreeSet<(Duration, PromptId)>,
}

impl Deadlines {
    pub(crate) fn wait(&mut self, since: Duration, id: PromptId) {
        self.waiting.insert((since, id));
    }

    pub(crate) fn strand(&mut self, since: Duration, id: PromptId) {
        self.stranded.insert((since, id));
    }

    pub(crate) fn save(&mut self, stranded_since: Duration, id: PromptId) {
        self.stranded.remove(&(stranded_since, id));
    }

    pub(crate) fn remove(
        &mut self,
        since: Duration,
        stranded_since: Option<Duration>,
        id: PromptId,
    ) {
        self.waiting.remove(&(since, id));
        if let Some(since) = stranded_since {
            self.save(since, id);
        }
    }

    pub(crate) fn next(&self, patience: Patience) -> Option<Duration> {
        let next = |waits: &BTreeSet<(Duration, PromptId)>, patience| {
            let (since, _) = waits.first()?;
            Some(since.saturating_add(patience))
        };
        let deadlines = [
            next(&self.waiting, patience.busy),
            next(&self.stranded, patience.stranded),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// In the order of submission.
    pub(crate) fn expired(&self, now: Duration, patience: Patience) -> BTreeSet<PromptId> {
        let expired = |waits, patience| expired(waits, now, patience);
        expired(&self.waiting, patience.busy)
            .chain(expired(&self.stranded, patience.stranded))
            .collect()
    }
}

fn expired(
    waits: &BTreeSet<(Duration, PromptId)>,
    now: Duration,
    patience: Duration,
) -> impl Iterator<Item = PromptId> {
    waits
        .iter()
        .take_while(move |(since, _)| since.saturating_add(patience) <= now)
        .map(|(_, id)| *id)
}
