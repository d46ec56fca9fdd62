//! Old outcomes are deleted in small bites between the records, so that nobody waits for it. The totals stay.

use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, named_params};

use super::{audits, records::unix_milliseconds};

/// Rows deleted in one transaction: some milliseconds.
const BITE: usize = 1000;

/// Between two bites while more is left.
const PAUSE: Duration = Duration::from_millis(200);

/// Between two looks where nothing was left.
const REST: Duration = Duration::from_secs(15 * 60);

#[derive(Debug)]
pub(super) struct Retention {
    /// Absent: outcomes are kept for ever.
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
        let mut statement = connection.prepare_cached(
            "DELETE FROM prompts WHERE id IN (
                 SELECT id FROM prompts WHERE submitted_at_ms < :oldest
                 ORDER BY submitted_at_ms LIMIT :bite)",
        )?;
        let deleted = statement.execute(
            named_params! { ":oldest": unix_milliseconds(oldest), ":bite": BITE as i64 },
        )?;
        let deleted = deleted + audits::delete_old(connection, oldest, BITE)?;
        if deleted >= BITE {
            self.next = now + PAUSE;
        }
        Ok(deleted)
    }
}
