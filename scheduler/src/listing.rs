//! Every prompt that is here, for somebody who looks on.

use std::time::Duration;

use crate::{NodeId, PromptId, PromptProfile, Scheduler};

#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    pub prompt: PromptId,
    pub profile: &'a PromptProfile,
    /// Nodes that have been given it.
    pub attempts: u32,
    pub place: ListedPlace<'a>,
}

/// `for_so_long`: since the last event, it was so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ListedPlace<'a> {
    Waiting {
        for_so_long: Duration,
    },
    Running {
        node: NodeId,
        /// The node's own name for what answers.
        model: &'a str,
        /// Whether the first token came.
        started: bool,
        for_so_long: Duration,
    },
}

impl Scheduler {
    /// In the order of submission.
    pub fn list_waiting(&self) -> impl Iterator<Item = Listed<'_>> {
        self.queue.iter_waiting().map(|(id, waiting)| Listed {
            prompt: id,
            profile: &waiting.prompt.profile,
            attempts: waiting.prompt.attempts,
            place: ListedPlace::Waiting {
                for_so_long: self.now.saturating_sub(waiting.since()),
            },
        })
    }

    /// In no order.
    pub fn list_running(&self) -> impl Iterator<Item = Listed<'_>> {
        self.running.iter().map(|(id, running)| Listed {
            prompt: *id,
            profile: &running.prompt.profile,
            attempts: running.prompt.attempts,
            place: ListedPlace::Running {
                node: running.node,
                model: &running.model,
                started: running.started,
                for_so_long: self.now.saturating_sub(running.since),
            },
        })
    }
}
