//! What is old is deleted in small bites between the records, so that nobody waits for it. The totals stay.

use std::time::{Duration, Instant, SystemTime};

use rusqlite::Connection;

use super::{admin_log, audits, keys, records};

/// Rows of each kind that are deleted in one transaction: some milliseconds.
const BITE: usize = 1000;

/// At most so many rows of one kind from before that time.
type Delete = fn(&Connection, SystemTime, usize) -> rusqlite::Result<usize>;

const KINDS: [Delete; 5] = [
    records::delete_old_outcomes,
    audits::delete_old,
    keys::fold_old_days,
    records::forget_old_nodes,
    admin_log::delete_old,
];

/// Between two bites while more is left.
const PAUSE: Duration = Duration::from_millis(200);

/// Between two looks where nothing was left.
const REST: Duration = Duration::from_secs(15 * 60);

#[derive(Debug)]
pub(super) struct Retention {
    /// Absent: all is kept for ever.
    kept: Option<Duration>,
    next: Instant,
}

impl Retention {
    pub(super) fn new(kept: Option<Duration>, now: Instant) -> Self {
        Self { kept, next: now }
    }

    /// How long nothing is to be deleted; none: never.
    pub(super) fn rest(&self, now: Instant) -> Option<Duration> {
        self.kept.map(|_| self.next.saturating_duration_since(now))
    }

    /// The database can't be had at the moment.
    pub(super) fn postpone(&mut self, now: Instant) {
        self.next = now + REST;
    }

    /// Deletes the oldest of what is too old, and decides when to look again.
    pub(super) fn bite(
        &mut self,
        connection: &Connection,
        now: Instant,
        time: SystemTime,
    ) -> rusqlite::Result<usize> {
        // Also where it fails: the next try is worth no haste.
        self.postpone(now);
        let Some(oldest) = self.kept.and_then(|kept| time.checked_sub(kept)) else {
            return Ok(0);
        };
        // A transaction of ours is never open here.
        let transaction = connection.unchecked_transaction()?;
        let mut deleted = 0;
        for delete in KINDS {
            deleted += delete(&transaction, oldest, BITE)?;
        }
        transaction.commit()?;
        if deleted >= BITE {
            self.next = now + PAUSE;
        }
        Ok(deleted)
    }
}
