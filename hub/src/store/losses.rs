//! Counts the records that the database could not take, and says so once per burst.

use std::{
    fmt::Display,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

#[derive(Debug)]
pub(super) struct Losses {
    path: PathBuf,
    /// Since the database last took records; 0 while all is well.
    in_this_burst: AtomicU64,
    since_start: AtomicU64,
}

impl Losses {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            in_this_burst: AtomicU64::new(0),
            since_start: AtomicU64::new(0),
        }
    }

    pub(super) fn add(&self, records: u64, reason: &dyn Display) {
        self.since_start.fetch_add(records, Ordering::Relaxed);
        if self.in_this_burst.fetch_add(records, Ordering::Relaxed) == 0 {
            tracing::warn!(
                "{}: {reason}; statistics are being lost, prompts go on",
                self.path.display()
            );
        }
    }

    /// The database keeps up again.
    pub(super) fn end_burst(&self) {
        let lost = self.in_this_burst.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(
                "{}: takes records again; {lost} were lost in between",
                self.path.display()
            );
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.since_start.load(Ordering::Relaxed)
    }
}
