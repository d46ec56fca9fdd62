//! Between the dispatcher and the store: every prompt ends exactly once, and there its bill is settled.

use std::sync::Arc;

use super::Meter;
use crate::dispatch::{OutcomeSink, Record};

pub struct Settling {
    meter: Meter,
    sink: Arc<dyn OutcomeSink>,
}

impl Settling {
    pub(super) fn new(meter: Meter, sink: Arc<dyn OutcomeSink>) -> Self {
        Self { meter, sink }
    }
}

impl OutcomeSink for Settling {
    fn record(&self, record: Record) {
        if let Record::PromptEnded(outcome) = &record {
            let usage = outcome.usage;
            let used = u64::from(usage.prompt_tokens) + u64::from(usage.completion_tokens);
            self.meter.settle(outcome.bill, used);
        }
        self.sink.record(record);
    }
}

impl std::fmt::Debug for Settling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settling").finish_non_exhaustive()
    }
}
