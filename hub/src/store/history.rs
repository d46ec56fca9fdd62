//! The past in equal stretches of time, from the rows of `prompts`.
//!
//! It has a connection of its own, and one reader at a time: a long look back holds up neither the totals
//! nor the threads that others block on.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use protocol::{FinishReason, History, HistoryRange};
use rusqlite::{Connection, Row, named_params};
use tokio::sync::Mutex;

use super::{bucket::Bucket, schema};
use crate::dispatch::Ending;

/// An answer that is not older is given again: many readers of one page cost one look.
const FRESH: Duration = Duration::from_secs(10);

/// Prompts that ended so were answered, or left by whoever asked.
const NOT_FAILED: [Ending; 4] = [
    Ending::Finished(FinishReason::Stop),
    Ending::Finished(FinishReason::Length),
    Ending::Finished(FinishReason::ToolCalls),
    Ending::Cancelled,
];

const ROWS: &str = "SELECT submitted_at_ms, ending, prompt_tokens, completion_tokens,
                           first_token_ms, total_ms, node_kind, node_name
                    FROM prompts
                    WHERE submitted_at_ms >= :start AND submitted_at_ms < :end
                    ORDER BY submitted_at_ms";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HistoryQuery {
    pub range: HistoryRange,
    pub offset: UtcOffset,
}

/// How far a reader's clock is ahead of UTC, in whole quarters of an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UtcOffset {
    minutes: i16,
}

#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("{path}: {error}", path = path.display())]
    Database {
        path: PathBuf,
        error: rusqlite::Error,
    },
    #[error("the reader ended in a panic")]
    Panicked,
}

#[derive(Clone, Debug)]
pub(super) struct HistoryReader {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    path: PathBuf,
    connection: Option<Connection>,
    /// There are only so many queries: three ranges, and the quarters of an hour of a day and a bit.
    recent: HashMap<HistoryQuery, Recent>,
}

#[derive(Debug)]
struct Recent {
    read_at: SystemTime,
    history: History,
}

impl UtcOffset {
    /// None where no clock on Earth is set so.
    pub fn from_minutes(minutes: i16) -> Option<Self> {
        let exists = (-14 * 60..=14 * 60).contains(&minutes) && minutes % 15 == 0;
        exists.then_some(Self { minutes })
    }

    fn milliseconds(self) -> i64 {
        i64::from(self.minutes) * 60_000
    }
}

impl HistoryReader {
    pub(super) fn new(path: PathBuf) -> Self {
        let state = State {
            path,
            connection: None,
            recent: HashMap::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    pub(super) async fn read(
        &self,
        query: HistoryQuery,
        now: SystemTime,
    ) -> Result<History, HistoryError> {
        // Whoever waits for his turn waits here, not on a thread.
        let mut state = Arc::clone(&self.state).lock_owned().await;
        if let Some(history) = state.fresh(query, now) {
            return Ok(history.clone());
        }
        let read = tokio::task::spawn_blocking(move || state.read(query, now));
        read.await.unwrap_or(Err(HistoryError::Panicked))
    }
}

impl State {
    fn fresh(&self, query: HistoryQuery, now: SystemTime) -> Option<&History> {
        let recent = self.recent.get(&query)?;
        // A clock that was set back makes everything old.
        let age = now.duration_since(recent.read_at).ok()?;
        (age < FRESH).then_some(&recent.history)
    }

    fn read(&mut self, query: HistoryQuery, now: SystemTime) -> Result<History, HistoryError> {
        let history = self.read_rows(query, now).map_err(|error| {
            // The next look opens the file anew: it may have been replaced or mended.
            self.connection = None;
            HistoryError::Database {
                path: self.path.clone(),
                error,
            }
        })?;
        let recent = Recent {
            read_at: now,
            history: history.clone(),
        };
        self.recent.insert(query, recent);
        Ok(history)
    }

    fn read_rows(&mut self, query: HistoryQuery, now: SystemTime) -> rusqlite::Result<History> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::open_read_only(&self.path)?,
        };
        let connection = self.connection.insert(connection);
        let range = query.range;
        let length = i64::from(range.bucket_seconds()) * 1000;
        let first = start(query, now);
        let end = first + length * i64::from(range.buckets());

        let mut statement = connection.prepare_cached(ROWS)?;
        let mut rows = statement.query(named_params! { ":start": first, ":end": end })?;
        let mut row = rows.next()?;
        let mut buckets = Vec::new();
        for number in 0..i64::from(range.buckets()) {
            let start = first + number * length;
            let mut bucket = Bucket::default();
            while let Some(prompt) = row {
                if prompt.get::<_, i64>(0)? >= start + length {
                    break;
                }
                add(&mut bucket, prompt)?;
                row = rows.next()?;
            }
            buckets.push(bucket.summary(start));
        }
        Ok(History {
            range,
            bucket_seconds: range.bucket_seconds(),
            buckets,
        })
    }
}

/// Where the first bucket begins: the last one is the one that `now` lies in, by the reader's clock.
fn start(query: HistoryQuery, now: SystemTime) -> i64 {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX / 2);
    let length = i64::from(query.range.bucket_seconds()) * 1000;
    let offset = query.offset.milliseconds();
    let last = (now + offset).div_euclid(length) * length - offset;
    last - length * (i64::from(query.range.buckets()) - 1)
}

fn add(bucket: &mut Bucket, row: &Row<'_>) -> rusqlite::Result<()> {
    let ending = row.get_ref(1)?.as_str()?;
    let failed = !NOT_FAILED.iter().any(|known| known.as_str() == ending);
    bucket.add_prompt(failed, row.get(2)?, row.get(3)?);
    if let Some(first_token) = row.get::<_, Option<u64>>(4)? {
        bucket.add_answer(first_token, row.get(5)?, row.get(3)?);
    }
    if let (Some(kind), Some(name)) = (
        row.get_ref(6)?.as_str_or_null()?,
        row.get_ref(7)?.as_str_or_null()?,
    ) {
        bucket.add_node(kind, name);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
