//! What outlives a restart, in SQLite: nodes seen, how each prompt ended, totals, keys. Never a word of
//! a prompt or an answer, and never a secret.
//!
//! A thread of its own owns the only connection that writes, and is fed through a bounded channel.
//! Whoever records never waits: what the database can't take is lost, counted and logged.

mod admin_log;
mod admin_store;
mod audits;
mod backup;
mod beside;
mod bucket;
mod decisions;
mod gauges;
mod history;
mod keys;
mod losses;
mod reader;
mod records;
mod restore;
mod retention;
mod schema;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::dispatch::{OutcomeSink, Record};

pub use admin_store::AdminStore;
pub(crate) use admin_store::StoredChange;
pub use audits::{StoredSuspension, StoredVerdict};
pub use backup::{BackedUp, BackupError, back_up};
pub(crate) use decisions::StoredRules;
use gauges::Gauges;
pub use gauges::StoreLoad;
pub use history::{HistoryError, HistoryQuery, UtcOffset};
pub use keys::{DayOfUse, KeyUse, StoredKeys};
use losses::Losses;
pub use reader::StoreReader;
pub use restore::{RestoreError, restore};
pub use schema::{InspectError, inspect};
use writer::{Command, Writer};

#[derive(Clone, Debug)]
pub struct StoreSettings {
    pub path: PathBuf,
    /// Records that may wait for the database.
    pub waiting_records: usize,
    /// How long a batch is tried while somebody else holds the database locked.
    pub lock_patience: Duration,
    /// The most pages (of 4096 bytes) that the database may grow to; absent: SQLite's own limit.
    pub max_pages: Option<u32>,
    /// How long rows are kept that come with time; absent: for ever.
    pub retention: Option<Duration>,
}

/// The running store: one writer thread, and the ends that others hold of it.
#[derive(Debug)]
pub struct Store {
    recorder: Recorder,
    reader: StoreReader,
    path: Arc<Path>,
    thread: JoinHandle<()>,
}

/// Takes records, and returns at once whatever state the database is in.
#[derive(Clone, Debug)]
pub struct Recorder {
    commands: SyncSender<Command>,
    losses: Arc<Losses>,
    gauges: Arc<Gauges>,
}

/// Why the database could not do what was asked of it, for a person to read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct StoreError {
    reason: String,
}

impl StoreError {
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

impl StoreSettings {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            waiting_records: 4096,
            lock_patience: Duration::from_secs(5),
            max_pages: None,
            retention: None,
        }
    }
}

impl Store {
    /// Starts the writer. A database that can't be opened costs its records, not the hub: each
    /// batch tries anew.
    ///
    /// # Errors
    /// Where the system refuses another thread.
    pub fn start(settings: StoreSettings) -> std::io::Result<Self> {
        let (commands, inbox) = sync_channel(settings.waiting_records);
        let losses = Arc::new(Losses::new(settings.path.clone()));
        let gauges = Arc::new(Gauges::default());
        let recorder = Recorder {
            commands,
            losses: Arc::clone(&losses),
            gauges: Arc::clone(&gauges),
        };
        let reader = StoreReader::new(settings.path.clone(), recorder.clone());
        let path = settings.path.as_path().into();
        let writer = Writer::new(settings, inbox, losses, gauges);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(|| writer.run())?;
        Ok(Self {
            recorder,
            reader,
            path,
            thread,
        })
    }

    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    pub fn admin(&self) -> AdminStore {
        AdminStore::new(self.recorder.commands.clone(), Arc::clone(&self.path))
    }

    pub fn reader(&self) -> StoreReader {
        self.reader.clone()
    }

    /// Waits until everything recorded so far has been written, or lost.
    pub async fn flush(&self) {
        let (done, written) = tokio::sync::oneshot::channel();
        self.recorder.send_waiting(Command::Flush(done)).await;
        // An error is a writer that is gone: then nothing is left to wait for.
        let _ = written.await;
    }

    /// Writes what still waits, and ends the thread. Records that come later are lost.
    pub async fn close(self) {
        self.recorder.send_waiting(Command::Stop).await;
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("the database's writer ended in a panic");
        }
    }
}

impl Recorder {
    /// Records lost since the start.
    pub fn lost(&self) -> u64 {
        self.losses.total()
    }

    fn load(&self) -> StoreLoad {
        self.gauges.load(self.losses.total())
    }

    /// Whether the database takes a write, within `patience`.
    async fn is_writable(&self, patience: Duration) -> bool {
        let (reply, replied) = tokio::sync::oneshot::channel();
        // A full channel is a database that can't keep up.
        if self.commands.try_send(Command::Probe(reply)).is_err() {
            return false;
        }
        matches!(tokio::time::timeout(patience, replied).await, Ok(Ok(true)))
    }

    /// For commands that must arrive even where the channel is full.
    async fn send_waiting(&self, command: Command) {
        let commands = self.commands.clone();
        // Fails only where the writer is gone, and then there is nobody to tell.
        let _ = tokio::task::spawn_blocking(move || commands.send(command)).await;
    }
}

impl OutcomeSink for Recorder {
    fn record(&self, record: Record) {
        self.gauges.comes();
        let reason = match self.commands.try_send(Command::Record(Box::new(record))) {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => "the database is too slow",
            Err(TrySendError::Disconnected(_)) => "the hub is stopping",
        };
        self.gauges.left(1);
        self.losses.add(1, &reason);
    }
}
