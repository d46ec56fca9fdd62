//! Waiting prompts that ask for the same: what one of them is told of the nodes holds for all.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use protocol::Owner;

use crate::prompt::Prompt;
use crate::{NodePreference, PromptId};

/// Names a class for as long as a prompt of it waits. Ids are never used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ClassId(u64);

/// What decides which nodes may answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Wish {
    /// As it was asked for: a family's name and its canonical spelling need not mean the same.
    model: String,
    preference: NodePreference,
    demand: NodePreference,
    owner: Option<Owner>,
}

#[derive(Debug)]
struct Class {
    wish: Wish,
    /// Prompts that some node could take.
    reachable: BTreeSet<PromptId>,
    /// Prompts that none could.
    stranded: BTreeSet<PromptId>,
    /// Prompts that may not go to some of the nodes that the others may go to.
    alone: BTreeSet<PromptId>,
}

/// The classes of all prompts that wait.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    ids: HashMap<Wish, ClassId>,
    classes: BTreeMap<ClassId, Class>,
    next: u64,
}

/// A prompt, and whether no node could take it.
pub(crate) type Stranding = (PromptId, bool);

impl Wish {
    fn of(prompt: &Prompt) -> Self {
        let profile = &prompt.profile;
        Self {
            model: profile.model.clone(),
            preference: profile.preference,
            demand: profile.demand,
            owner: profile.owner.clone(),
        }
    }
}

impl Class {
    fn new(wish: Wish) -> Self {
        Self {
            wish,
            reachable: BTreeSet::new(),
            stranded: BTreeSet::new(),
            alone: BTreeSet::new(),
        }
    }

    /// Some prompt that speaks for all but those that stand alone.
    fn speaker(&self) -> Option<PromptId> {
        self.reachable
            .first()
            .or_else(|| self.stranded.first())
            .copied()
    }

    fn any(&self) -> Option<PromptId> {
        self.speaker().or_else(|| self.alone.first().copied())
    }

    /// Those whose lot changed, and those that stand alone.
    fn mark_stranded(&mut self, is_stranded: impl Fn(PromptId) -> bool) -> Vec<Stranding> {
        let alone = self.alone.iter().map(|id| (*id, is_stranded(*id)));
        let mut marked: Vec<Stranding> = alone.collect();
        let Some(speaker) = self.speaker() else {
            return marked;
        };
        let are_stranded = is_stranded(speaker);
        let (from, to) = if are_stranded {
            (&mut self.reachable, &mut self.stranded)
        } else {
            (&mut self.stranded, &mut self.reachable)
        };
        marked.extend(from.iter().map(|id| (*id, are_stranded)));
        to.append(from);
        marked
    }
}

impl Classes {
    pub(crate) fn insert(&mut self, id: PromptId, prompt: &Prompt) -> ClassId {
        let wish = Wish::of(prompt);
        let class_id = *self.ids.entry(wish.clone()).or_insert_with(|| {
            self.next += 1;
            ClassId(self.next)
        });
        let class = self.classes.entry(class_id);
        let class = class.or_insert_with(|| Class::new(wish));
        if prompt.stands_alone() {
            class.alone.insert(id);
        } else {
            class.reachable.insert(id);
        }
        class_id
    }

    pub(crate) fn remove(&mut self, class_id: ClassId, id: PromptId) {
        let Some(class) = self.classes.get_mut(&class_id) else {
            return;
        };
        class.reachable.remove(&id);
        class.stranded.remove(&id);
        class.alone.remove(&id);
        if class.any().is_none() {
            self.ids.remove(&class.wish);
            self.classes.remove(&class_id);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.classes.len()
    }

    /// One prompt of each, to be asked what all of them ask for.
    pub(crate) fn samples(&self) -> impl Iterator<Item = PromptId> {
        self.classes.values().filter_map(Class::any)
    }

    /// Asks about one prompt for all that ask for the same. Names every prompt whose answer is another
    /// than last time, and perhaps some whose answer is not.
    pub(crate) fn mark_stranded(
        &mut self,
        is_stranded: impl Fn(PromptId) -> bool,
    ) -> Vec<Stranding> {
        let classes = self.classes.values_mut();
        classes
            .flat_map(|class| class.mark_stranded(&is_stranded))
            .collect()
    }
}
