//! What the hub had of everything, hour by hour, and whether it grew.

use hub_bench::machine::table;

use crate::day::{HOURS, PERIOD};

/// Hours at the beginning of each half that are not compared: caches and pools are still filling.
const WARMING: u32 = 3;

const MOST_GROWTH: f64 = 0.05;
const LIKELY_MORE_DESCRIPTORS: usize = 4;

/// What a prompt may take in the database, its index included.
const PLANNED_BYTES_PER_PROMPT: f64 = 300.0;

/// SQLite's journal starts over at a thousand pages, some more where it is being read.
const PLANNED_LOG_BYTES: u64 = 16 << 20;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) hour: u32,
    pub(crate) memory_bytes: u64,
    pub(crate) descriptors: usize,
    pub(crate) database_bytes: u64,
    pub(crate) log_bytes: u64,
    pub(crate) prompts: u64,
}

#[derive(Debug)]
pub(crate) struct Samples {
    /// Before anything was asked.
    first: Sample,
    hours: Vec<Sample>,
    /// Once everybody had gone.
    last: Sample,
}

#[derive(Debug)]
pub(crate) struct Verdict {
    promise: &'static str,
    measured: String,
    pub(crate) kept: bool,
}

impl Verdict {
    pub(crate) fn row(&self) -> Vec<String> {
        let kept = if self.kept { "kept" } else { "**not kept**" };
        vec![
            self.promise.to_owned(),
            self.measured.clone(),
            kept.to_owned(),
        ]
    }
}

impl Samples {
    pub(crate) fn new(first: Sample) -> Self {
        Self {
            first,
            hours: Vec::new(),
            last: first,
        }
    }

    pub(crate) fn add(&mut self, sample: Sample) {
        self.hours.push(sample);
    }

    pub(crate) fn end(&mut self, last: Sample) {
        self.last = last;
    }

    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        let (morning, evening) = (self.memory_of_half(0), self.memory_of_half(PERIOD));
        let growth = evening / morning - 1.0;
        let (before, after) = (self.first.descriptors, self.last.descriptors);
        let prompts = self.last.prompts - self.first.prompts;
        let grown = self
            .last
            .database_bytes
            .saturating_sub(self.first.database_bytes);
        let each = grown as f64 / prompts as f64;
        let log = self
            .hours
            .iter()
            .map(|sample| sample.log_bytes)
            .max()
            .unwrap_or_default();
        vec![
            Verdict {
                promise: "memory flat: the second half of the day beside the first, hour by hour",
                measured: format!(
                    "{:.1} MB, then {:.1} MB ({:+.1} %)",
                    morning / 1e6,
                    evening / 1e6,
                    growth * 100.0
                ),
                kept: growth <= MOST_GROWTH,
            },
            Verdict {
                promise: "file descriptors flat: after the day beside before it",
                measured: format!("{before}, then {after}"),
                kept: after <= before + LIKELY_MORE_DESCRIPTORS,
            },
            Verdict {
                promise: "database as planned: at most 300 bytes a prompt, its journal at most 16 MiB",
                measured: format!(
                    "{each:.0} bytes each of {prompts}, journal {:.1} MB",
                    log as f64 / 1e6
                ),
                kept: each <= PLANNED_BYTES_PER_PROMPT && log <= PLANNED_LOG_BYTES,
            },
        ]
    }

    pub(crate) fn table(&self) -> String {
        let rows: Vec<Vec<String>> = [&self.first]
            .into_iter()
            .chain(
                self.hours
                    .iter()
                    .filter(|sample| sample.hour.is_multiple_of(3)),
            )
            .chain([&self.last])
            .map(|sample| {
                vec![
                    sample.hour.to_string(),
                    sample.prompts.to_string(),
                    format!("{:.1}", sample.memory_bytes as f64 / 1e6),
                    sample.descriptors.to_string(),
                    format!("{:.1}", sample.database_bytes as f64 / 1e6),
                ]
            })
            .collect();
        table(
            &[
                "hour",
                "prompts so far",
                "memory, MB",
                "descriptors",
                "database, MB",
            ],
            &rows,
        )
    }

    /// The mean over the warm hours of the half that begins after `start`.
    fn memory_of_half(&self, start: u32) -> f64 {
        let hours = start + WARMING..start + PERIOD;
        let of_half = |sample: &&Sample| hours.contains(&(sample.hour % HOURS));
        let sizes: Vec<u64> = self
            .hours
            .iter()
            .filter(of_half)
            .map(|s| s.memory_bytes)
            .collect();
        sizes.iter().sum::<u64>() as f64 / sizes.len() as f64
    }
}
