//! Who is let in: into the queue as long as there is room, or straight to a node.

use std::collections::BTreeMap;

use crate::prompt::Prompt;
use crate::{ClientId, Effect, GiveUpReason, PromptId, PromptProfile, Scheduler};

impl Scheduler {
    pub(crate) fn submitted(
        &mut self,
        id: PromptId,
        mut profile: PromptProfile,
        effects: &mut Vec<Effect>,
    ) {
        if !self.settings.affinity {
            profile.prefixes.clear();
        }
        profile.resumable &= self.settings.resume;
        if self.queue.contains(id) || self.running.contains_key(&id) {
            return;
        }
        let prompt = Prompt::new(profile);
        if let Some(first) = prompt.profile.hedges {
            return self.submitted_again(id, prompt, first, effects);
        }
        let reason = if self.draining {
            Some(GiveUpReason::Stopping)
        } else if !self.may_wait(&prompt) {
            Some(self.no_node(&prompt))
        } else if self.is_queue_full(&prompt) {
            self.make_room(&prompt, effects).err()
        } else {
            None
        };
        if let Some(reason) = reason {
            effects.push(Effect::GiveUp { prompt: id, reason });
            return;
        }
        let others = self.queue.clients();
        self.shares.join(prompt.profile.client, others);
        self.wait(id, prompt);
    }

    /// A second attempt takes an idle node or none at all.
    fn submitted_again(
        &mut self,
        id: PromptId,
        prompt: Prompt,
        first: PromptId,
        effects: &mut Vec<Effect>,
    ) {
        let place = self.best_but(&prompt, self.node_of(first));
        let place = place.filter(|_| !self.draining);
        let Some(place) = place else {
            let reason = GiveUpReason::NoNode { known: true };
            effects.push(Effect::GiveUp { prompt: id, reason });
            return;
        };
        self.wait(id, prompt);
        self.assign(id, place, effects);
    }

    /// Where the queue is full, whoever has more than a fair share of it gives way.
    fn make_room(
        &mut self,
        prompt: &Prompt,
        effects: &mut Vec<Effect>,
    ) -> Result<(), GiveUpReason> {
        let gives_way = self.gives_way_to(prompt);
        let leaving = gives_way.and_then(|id| Some((id, self.queue.get(id)?)));
        let refused = leaving.map_or(prompt, |(_, leaving)| leaving);
        let reason = GiveUpReason::QueueFull {
            waiting: self.settings.queue_length,
            standing: self.standing_of(refused, leaving.map(|(id, _)| id)),
        };
        let (id, _) = leaving.ok_or(reason)?;
        self.queue.remove(id);
        effects.push(Effect::GiveUp { prompt: id, reason });
        Ok(())
    }

    /// Whether the queue for the prompt's model is full, though somebody may have to give way.
    fn is_queue_full(&self, prompt: &Prompt) -> bool {
        if self.best(prompt).is_some() {
            return false;
        }
        let model = self.names.canonical(&prompt.profile.model);
        self.queue.count_of_model(model) >= self.settings.queue_length
    }

    /// Who gives way to a prompt where the queue for its model is full: the newest prompt of the client
    /// that has most in it. None where the prompt's own client has its share already.
    fn gives_way_to(&self, prompt: &Prompt) -> Option<PromptId> {
        let mut lines: BTreeMap<ClientId, Vec<PromptId>> = BTreeMap::new();
        let model = self.names.canonical(&prompt.profile.model);
        for (id, other) in self.queue.of_model(model) {
            let line = lines.entry(other.profile.client).or_default();
            // What nodes had already keeps its place.
            if other.attempts == 0 {
                line.push(id);
            }
        }
        let own = lines.get(&prompt.profile.client).map_or(0, Vec::len);
        let longest = lines
            .values()
            .max_by_key(|line| (line.len(), line.last().copied()))?;
        // One more of its own must not make it the client with most.
        (longest.len() > own + 1).then(|| longest.last().copied())?
    }
}
