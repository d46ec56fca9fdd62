//! What the store can tell of itself at any moment, without asking its thread.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

#[derive(Debug, Default)]
pub(super) struct Gauges {
    waiting: AtomicU64,
    written: AtomicU64,
    transactions: AtomicU64,
    writing_microseconds: AtomicU64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreLoad {
    /// Records that wait to be written.
    pub waiting: u64,
    pub written: u64,
    pub lost: u64,
    pub transactions: u64,
    /// What they took together.
    pub writing: Duration,
}

impl Gauges {
    /// Before the record is on its way, so that it is never counted out before it is counted in.
    pub(super) fn comes(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// Written, lost, or not taken in the first place.
    pub(super) fn left(&self, records: u64) {
        self.waiting.fetch_sub(records, Ordering::Relaxed);
    }

    pub(super) fn written(&self, records: u64, took: Duration) {
        self.written.fetch_add(records, Ordering::Relaxed);
        self.transactions.fetch_add(1, Ordering::Relaxed);
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.writing_microseconds.fetch_add(took, Ordering::Relaxed);
    }

    pub(super) fn load(&self, lost: u64) -> StoreLoad {
        StoreLoad {
            waiting: self.waiting.load(Ordering::Relaxed),
            written: self.written.load(Ordering::Relaxed),
            lost,
            transactions: self.transactions.load(Ordering::Relaxed),
            writing: Duration::from_micros(self.writing_microseconds.load(Ordering::Relaxed)),
        }
    }
}
