//! What an operator may set of the dispatcher.

use std::time::Duration;

use scheduler::{BreakerSettings, HedgeSettings, Settings};

use super::AuditSettings;

/// Limits of the dispatcher. The defaults suit a public hub.
#[derive(Clone, Debug)]
pub struct DispatchSettings {
    /// Prompts that may wait for one model.
    pub queue_length: usize,
    /// How long a prompt may wait for a node.
    pub queue_deadline: Duration,
    /// How long a prompt may wait where the last node that could answer it is gone.
    pub stranded_deadline: Duration,
    /// For nodes that were here before a restart to come back; prompts wait for them meanwhile.
    pub nodes_return_within: Duration,
    /// Nodes in a row that may bring a prompt no further before it is given up.
    pub attempts: u32,
    /// Frames of an answer that may wait for its reader.
    pub answer_buffer: usize,
    /// When a node that keeps failing rests.
    pub breaker: BreakerSettings,
    /// When a late first token is asked for a second time; none: never.
    pub hedge: Option<HedgeSettings>,
    /// Whether conversations go back to the node that has them in its cache.
    pub affinity: bool,
    /// Whether another node goes on where one is lost in the middle of an answer.
    pub resume: bool,
    /// How often answers are audited.
    pub audits: AuditSettings,
}

impl DispatchSettings {
    pub(super) fn for_scheduler(&self) -> Settings {
        Settings {
            queue_length: self.queue_length,
            queue_deadline: self.queue_deadline,
            stranded_deadline: self.stranded_deadline,
            attempts: self.attempts,
            breaker: self.breaker,
            hedge: self.hedge,
            affinity: self.affinity,
            resume: self.resume,
        }
    }
}

impl Default for DispatchSettings {
    fn default() -> Self {
        Self {
            queue_length: 64,
            queue_deadline: Duration::from_secs(120),
            stranded_deadline: Duration::from_secs(15),
            nodes_return_within: Duration::from_secs(15),
            attempts: 3,
            answer_buffer: 1024,
            breaker: BreakerSettings::default(),
            hedge: Some(HedgeSettings {
                multiple: 4.0,
                least: Duration::from_secs(10),
            }),
            affinity: true,
            resume: true,
            audits: AuditSettings::default(),
        }
    }
}
