//! What is read while the hub runs: statistics, use of keys, the operators' log; on a connection that can't write.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use protocol::{History, Totals};
use rusqlite::Connection;

use super::{
    KeyUse, Recorder, StoreError, StoreLoad, StoredSuspension, StoredVerdict, admin_log, audits,
    history::{HistoryError, HistoryQuery, HistoryReader},
    keys, schema,
};
use crate::{admin::LoggedEntry, keys::KeyId};

#[derive(Clone, Debug)]
pub struct StoreReader {
    path: Arc<Path>,
    state: Arc<Mutex<State>>,
    history: HistoryReader,
    recorder: Recorder,
}

#[derive(Debug)]
struct State {
    path: PathBuf,
    connection: Option<Connection>,
    /// Shown while the database can't be read.
    last_totals: Totals,
}

impl StoreReader {
    pub(super) fn new(path: PathBuf, recorder: Recorder) -> Self {
        let history = HistoryReader::new(path.clone());
        let state = State {
            path: path.clone(),
            connection: None,
            last_totals: Totals::default(),
        };
        Self {
            path: path.into(),
            state: Arc::new(Mutex::new(state)),
            history,
            recorder,
        }
    }

    /// Since the database was made; where it can't be read now, as they were when it last could.
    pub async fn totals(&self) -> Totals {
        let state = Arc::clone(&self.state);
        let read = tokio::task::spawn_blocking(move || {
            state
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .totals()
        });
        read.await.unwrap_or_else(|panic| {
            tracing::error!("reading the totals failed: {panic}");
            Totals::default()
        })
    }

    /// Whether there ever was a node here.
    pub async fn knows_nodes(&self) -> bool {
        let known = self.read(|connection| {
            connection.query_row("SELECT EXISTS (SELECT 1 FROM nodes)", [], |row| row.get(0))
        });
        // A database that is not there, or can't be read, knows of none.
        known.await.unwrap_or_default()
    }

    /// How much is written, and how long it takes.
    pub fn load(&self) -> StoreLoad {
        self.recorder.load()
    }

    /// Whether the database takes a write, within `patience`.
    pub async fn is_writable(&self, patience: Duration) -> bool {
        self.recorder.is_writable(patience).await
    }

    /// Of the database and its log together; none where there is none.
    pub async fn size_bytes(&self) -> Option<u64> {
        let path = Arc::clone(&self.path);
        let size = move || {
            let database = fs::metadata(&path).ok()?.len();
            let mut log = OsString::from(path.as_os_str());
            log.push("-wal");
            Some(database + fs::metadata(log).map_or(0, |log| log.len()))
        };
        tokio::task::spawn_blocking(size).await.ok().flatten()
    }

    /// What the prompts of the past came to.
    ///
    /// # Errors
    /// Where the database can't be read.
    pub async fn history(
        &self,
        query: HistoryQuery,
        now: SystemTime,
    ) -> Result<History, HistoryError> {
        self.history.read(query, now).await
    }

    /// What keys, or one of them, were used for, with the days from `since` (in days since 1970) on.
    pub async fn key_usage(
        &self,
        of: Option<KeyId>,
        since: u64,
    ) -> Result<HashMap<KeyId, KeyUse>, StoreError> {
        self.read(move |connection| keys::usage(connection, of, since))
            .await
    }

    /// At most `limit` entries of the operators' log from before the entry `before`, the latest first.
    pub async fn admin_log(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<LoggedEntry>, StoreError> {
        self.read(move |connection| admin_log::page(connection, before, limit))
            .await
    }

    /// At most `limit` verdicts of audits from before the verdict `before`, the latest first.
    pub async fn audit_verdicts(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<StoredVerdict>, StoreError> {
        self.read(move |connection| audits::verdicts(connection, before, limit))
            .await
    }

    /// The latest first.
    pub async fn suspensions(&self) -> Result<Vec<StoredSuspension>, StoreError> {
        self.read(audits::suspensions).await
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let state = Arc::clone(&self.state);
        let reading = tokio::task::spawn_blocking(move || {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.read(read)
        });
        let read = reading
            .await
            .map_err(|panic| StoreError::new(panic.to_string()))?;
        read.map_err(|error| StoreError::new(error.to_string()))
    }
}

impl State {
    fn totals(&mut self) -> Totals {
        match self.read_totals() {
            Ok(totals) => self.last_totals = totals,
            Err(error) => {
                // The writer logs what is wrong with the database; this is its consequence.
                tracing::debug!("{}: no totals: {error}", self.path.display());
            }
        }
        self.last_totals.clone()
    }

    fn read<T>(
        &mut self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::open_read_only(&self.path)?,
        };
        let read = read(&connection)?;
        self.connection = Some(connection);
        Ok(read)
    }

    fn read_totals(&mut self) -> rusqlite::Result<Totals> {
        self.read(|connection| {
            connection.query_row(
                "SELECT prompts, failed, prompt_tokens, completion_tokens,
                        nodes_forgotten + (SELECT count(*) FROM nodes)
                 FROM totals",
                [],
                |row| {
                    Ok(Totals {
                        prompts: row.get(0)?,
                        failed: row.get(1)?,
                        prompt_tokens: row.get(2)?,
                        completion_tokens: row.get(3)?,
                        nodes_seen: row.get(4)?,
                    })
                },
            )
        })
    }
}
