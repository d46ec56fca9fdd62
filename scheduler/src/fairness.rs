//! Whose turn it is: every client has a counter of the work that it was given, and the smallest one is
//! next. The method is the virtual token counter of Sheng et al., "Fairness in Serving Large Language
//! Models" (OSDI 2024): while two clients both wait, what they are given never differs by more than
//! their largest prompts.

use std::collections::{HashMap, HashSet};

/// Names whoever a prompt's share of the network is counted for. Opaque.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// Clients that are remembered although they wait for nothing; who is forgotten starts as a newcomer.
const MOST_CLIENTS: usize = 4096;

/// The clients' counters, in tokens.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    given: HashMap<ClientId, u64>,
    /// The counter of whoever was served last, and the least that newcomers begin with: nobody can
    /// save up turns by waiting for nothing.
    floor: u64,
}

impl Shares {
    pub(crate) fn given(&self, client: ClientId) -> u64 {
        self.given.get(&client).copied().unwrap_or(self.floor)
    }

    /// A client begins to wait beside these others.
    pub(crate) fn join<'a>(
        &mut self,
        client: ClientId,
        waiting: impl IntoIterator<Item = &'a ClientId, IntoIter: Clone>,
    ) {
        let others = waiting.into_iter();
        if others.clone().any(|other| *other == client) {
            return;
        }
        let least = others.clone().map(|other| self.given(*other)).min();
        let least = least.map_or(self.floor, |least| least.min(self.floor));
        let given = self.given(client).max(least);
        self.given.insert(client, given);
        if self.given.len() > MOST_CLIENTS {
            self.forget(&others.copied().chain([client]).collect());
        }
    }

    /// Those who neither wait nor have had more than their share; where that is not enough, all who do
    /// not wait.
    fn forget(&mut self, waiting: &HashSet<ClientId>) {
        let floor = self.floor;
        self.given
            .retain(|known, given| waiting.contains(known) || *given > floor);
        if self.given.len() > 2 * MOST_CLIENTS {
            self.given.retain(|known, _| waiting.contains(known));
        }
    }

    pub(crate) fn serve(&mut self, client: ClientId, tokens: u64) {
        let given = self.given(client);
        self.floor = self.floor.max(given);
        self.given.insert(client, given.saturating_add(tokens));
    }

    /// What was given came to less or to more than was thought.
    pub(crate) fn settle(&mut self, client: ClientId, expected: u64, real: u64) {
        if let Some(given) = self.given.get_mut(&client) {
            *given = given.saturating_sub(expected).saturating_add(real);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_that_come_once_are_forgotten_in_time() {
        let mut shares = Shares::default();
        let waiting = HashSet::from([ClientId(0)]);
        shares.join(ClientId(0), &HashSet::new());
        for client in 1..20_000 {
            shares.join(ClientId(client), &waiting);
            shares.serve(ClientId(client), 500);
            assert!(shares.given.len() <= 2 * MOST_CLIENTS + 1);
        }
        assert!(shares.given.contains_key(&ClientId(0)), "it still waits");
    }

    #[test]
    fn nobody_saves_up_turns_by_waiting_for_nothing() {
        let mut shares = Shares::default();
        for _ in 0..100 {
            shares.join(ClientId(1), &HashSet::new());
            shares.serve(ClientId(1), 500);
        }
        shares.join(ClientId(2), &HashSet::from([ClientId(1)]));
        assert_eq!(shares.given(ClientId(1)) - shares.given(ClientId(2)), 500);
    }
}
