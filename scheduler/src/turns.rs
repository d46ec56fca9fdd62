//! Waiting prompts in the order of their turns. Between two clients their counters decide, within a
//! client the order of submission; what nodes had already comes before all others.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::class::ClassId;
use crate::lines::Lines;
use crate::{ClientId, PromptId};

/// A walk along the lines that passes a class over as a whole once it is starved, so that its length
/// does not matter.
#[derive(Debug)]
pub(crate) struct Turns {
    /// What is left of the lines whose turn has come: the first of each class.
    heads: HashMap<Option<ClientId>, BinaryHeap<Reverse<(PromptId, ClassId)>>>,
    /// Counter and first prompt of every client that waits.
    order: BinaryHeap<Reverse<(u64, PromptId, ClientId)>>,
    starved: HashSet<ClassId>,
    /// The client that had the last turn, where its share is at stake.
    last: Option<ClientId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) prompt: PromptId,
    pub(crate) class: ClassId,
}

impl Turns {
    /// `given` tells the clients' counters.
    pub(crate) fn new(lines: &Lines, given: impl Fn(ClientId) -> u64) -> Self {
        let clients = lines.clients();
        Self {
            heads: HashMap::new(),
            order: clients
                .map(|(client, first)| Reverse((given(client), first, client)))
                .collect(),
            starved: HashSet::new(),
            last: None,
        }
    }

    /// Prompts may have left the lines in their own turn, and `given` have changed for their clients.
    pub(crate) fn next(&mut self, lines: &Lines, given: impl Fn(ClientId) -> u64) -> Option<Turn> {
        if let Some(turn) = self.take(lines, None) {
            return Some(turn);
        }
        if let Some(client) = self.last.take() {
            self.line_up(lines, client, &given);
        }
        loop {
            let Reverse((_, prompt, client)) = self.order.pop()?;
            if self.first(lines, Some(client)) == Some(prompt) {
                self.last = Some(client);
                return self.take(lines, Some(client));
            }
            // Its class was starved since.
            self.line_up(lines, client, &given);
        }
    }

    /// No node takes anything of this class any more.
    pub(crate) fn starve(&mut self, class: ClassId) {
        self.starved.insert(class);
    }

    pub(crate) fn starved(&self) -> usize {
        self.starved.len()
    }

    /// The client's next prompt takes its place in the order.
    fn line_up(&mut self, lines: &Lines, client: ClientId, given: impl Fn(ClientId) -> u64) {
        if let Some(first) = self.first(lines, Some(client)) {
            self.order.push(Reverse((given(client), first, client)));
        }
    }

    fn first(&mut self, lines: &Lines, client: Option<ClientId>) -> Option<PromptId> {
        let heads = self.heads.entry(client);
        let heads = heads.or_insert_with(|| lines.heads(client).map(Reverse).collect());
        while let Some(Reverse((prompt, class))) = heads.peek() {
            if !self.starved.contains(class) {
                return Some(*prompt);
            }
            heads.pop();
        }
        None
    }

    fn take(&mut self, lines: &Lines, client: Option<ClientId>) -> Option<Turn> {
        self.first(lines, client)?;
        let heads = self.heads.get_mut(&client)?;
        let Reverse((prompt, class)) = heads.pop()?;
        let behind = lines.behind(client, class, prompt);
        heads.extend(behind.map(|next| Reverse((next, class))));
        Some(Turn { prompt, class })
    }
}
