//! Counts what is recorded, on its way to where it is kept.

use std::sync::Arc;

use super::Metrics;
use crate::dispatch::{OutcomeSink, Record};

pub struct Counted {
    metrics: Metrics,
    sink: Arc<dyn OutcomeSink>,
}

impl Counted {
    pub fn new(metrics: Metrics, sink: Arc<dyn OutcomeSink>) -> Self {
        Self { metrics, sink }
    }
}

impl OutcomeSink for Counted {
    fn record(&self, record: Record) {
        match &record {
            Record::PromptEnded(outcome) => self.metrics.prompt_ended(outcome),
            Record::NodeJoined(sighting) => self.metrics.node_joined(sighting.kind),
            Record::Audited(audit) => self.metrics.audited(audit.verdict.good),
            Record::NodeLeft { .. } | Record::KeyUsed { .. } => {}
        }
        self.sink.record(record);
    }
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counted").finish_non_exhaustive()
    }
}
