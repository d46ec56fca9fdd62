//! Where a prompt stands in the queue, and how long it will probably wait: the nodes' slots are filled
//! in thought, turn by turn, at the speeds that are known.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use crate::class::ClassId;
use crate::cost::{Work, seconds};
use crate::lines::Lines;
use crate::prompt::Prompt;
use crate::turns::Turns;
use crate::{ClientId, NodeId, PromptId, Scheduler};

/// Further prompts than this are not looked at: who waits behind them is told of a wait at least as
/// long.
const FURTHEST: usize = 1000;

/// A prompt that takes longer than it was expected to is expected to end this soon, again and again.
const ANY_MOMENT: Duration = Duration::from_secs(1);

/// Behind all that wait.
const NEWCOMER: PromptId = PromptId(u64::MAX);

/// What somebody who waits wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// 1 is next among those that wait for the same model.
    pub position: usize,
    /// Until a node gets the prompt; none where no node could take it at the moment.
    pub expected_wait: Option<Duration>,
}

impl Scheduler {
    /// None where the prompt does not wait.
    pub fn standing(&self, prompt: PromptId) -> Option<Standing> {
        let waiting = self.queue.get(prompt)?;
        Some(self.standing_of(waiting, Some(prompt)))
    }

    /// Where the prompt stands, or would if it were let in now.
    pub(crate) fn standing_of(&self, prompt: &Prompt, id: Option<PromptId>) -> Standing {
        let ahead = self.ahead_of(prompt, id);
        Standing {
            position: ahead.len() + 1,
            expected_wait: self.expected_wait(prompt, &ahead),
        }
    }

    /// The prompts for the same model whose turn comes before.
    fn ahead_of(&self, prompt: &Prompt, id: Option<PromptId>) -> Vec<&Prompt> {
        let model = self.names.canonical(&prompt.profile.model);
        let id = id.unwrap_or(NEWCOMER);
        let mut lines = Lines::default();
        // Nothing is passed over here: one class will do.
        let class = ClassId::default();
        for (id, other) in self.queue.of_model(model) {
            lines.insert(other.line(), class, id);
        }
        lines.insert(prompt.line(), class, id);
        let mut given: HashMap<ClientId, u64> = HashMap::new();
        let mut turns = Turns::new(&lines, |client| self.shares.given(client));
        let mut ahead = Vec::new();
        loop {
            let counter = |client| given.get(&client).copied();
            let counter = |client| counter(client).unwrap_or_else(|| self.shares.given(client));
            let turn = turns.next(&lines, counter);
            let turn = turn.filter(|turn| turn.prompt != id);
            let Some(next) = turn.and_then(|turn| self.queue.get(turn.prompt)) else {
                return ahead;
            };
            let client = next.profile.client;
            let counter = counter(client) + next.profile.work();
            given.insert(client, counter);
            ahead.push(next);
        }
    }

    fn expected_wait(&self, prompt: &Prompt, ahead: &[&Prompt]) -> Option<Duration> {
        let mut slots = self.slots_for(prompt);
        for next in ahead.iter().take(FURTHEST) {
            let Reverse((free, node)) = slots.pop()?;
            let took = self.expected_on(node, next);
            slots.push(Reverse((free.saturating_add(took), node)));
        }
        slots.pop().map(|Reverse((free, _))| free)
    }

    /// When each slot that may ever take the prompt will be free, from now.
    fn slots_for(&self, prompt: &Prompt) -> BinaryHeap<Reverse<(Duration, NodeId)>> {
        let mut slots = BinaryHeap::new();
        let mut last = None;
        for (id, node, ..) in self.offers(prompt).filter(|(_, node, ..)| node.is_open()) {
            // A node comes once, however many of its models would do.
            if last.replace(id) == Some(id) {
                continue;
            }
            let rest = node.breaker.rests_until();
            let rest = rest.map_or(Duration::ZERO, |until| until.saturating_sub(self.now));
            let busy = self.running.values().filter(|running| running.node == id);
            let busy = busy.map(|running| {
                let end = running.since.saturating_add(running.expected.whole);
                let left = end.saturating_sub(self.now).max(ANY_MOMENT);
                Reverse((left.max(rest), id))
            });
            slots.extend(busy);
            let idle = node.slots.saturating_sub(node.busy);
            slots.extend((0..idle).map(|_| Reverse((rest, id))));
        }
        slots
    }

    fn expected_on(&self, node: NodeId, prompt: &Prompt) -> Duration {
        let offer = self.offers(prompt).find(|(id, ..)| *id == node);
        offer.map_or(ANY_MOMENT, |(_, node, offer, _)| {
            seconds(Work::on(node, offer, &prompt.profile).whole)
        })
    }
}
