//! The thread that owns the only connection that writes.

use std::{
    sync::{Arc, mpsc::Receiver},
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::{
    Losses, StoreSettings, records,
    schema::{self, OpenError},
};
use crate::dispatch::Record;

/// Records written in one transaction, at most.
const BATCH: usize = 512;

/// Between two tries of a batch while somebody else holds the database locked.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) enum Command {
    Record(Box<Record>),
    /// Answered once everything that came before it is written or lost.
    Flush(oneshot::Sender<()>),
    Stop,
}

pub(super) struct Writer {
    settings: StoreSettings,
    inbox: Receiver<Command>,
    losses: Arc<Losses>,
    /// Absent until the database can be opened.
    connection: Option<Connection>,
}

/// The commands of one round, up to the point where something other than a record asks for it.
#[derive(Default)]
struct Round {
    records: Vec<Record>,
    flushed: Option<oneshot::Sender<()>>,
    stop: bool,
}

impl Writer {
    pub(super) fn new(
        settings: StoreSettings,
        inbox: Receiver<Command>,
        losses: Arc<Losses>,
    ) -> Self {
        Self {
            settings,
            inbox,
            losses,
            connection: None,
        }
    }

    pub(super) fn run(mut self) {
        // At once, so that the hub's log tells of a bad path before the first prompt does.
        if let Err(error) = self.connect() {
            tracing::error!("{}: {error}", self.settings.path.display());
        }
        while let Some(round) = self.next_round() {
            self.write_patiently(&round.records);
            if let Some(flushed) = round.flushed {
                // Whoever asked may have stopped waiting.
                let _ = flushed.send(());
            }
            if round.stop {
                break;
            }
        }
    }

    /// Waits for a command, and takes with it what else has come meanwhile: the busier the hub,
    /// the larger the transactions.
    fn next_round(&self) -> Option<Round> {
        let mut round = Round::default();
        let mut next = Some(self.inbox.recv().ok()?);
        while let Some(command) = next {
            match command {
                Command::Record(record) => round.records.push(*record),
                Command::Flush(flushed) => round.flushed = Some(flushed),
                Command::Stop => round.stop = true,
            }
            let full = round.records.len() >= BATCH || round.flushed.is_some() || round.stop;
            next = if full {
                None
            } else {
                self.inbox.try_recv().ok()
            };
        }
        Some(round)
    }

    fn write_patiently(&mut self, records: &[Record]) {
        if records.is_empty() {
            return;
        }
        let started = Instant::now();
        loop {
            match self.write(records) {
                Ok(()) => break,
                Err(error)
                    if is_busy(&error) && started.elapsed() < self.settings.lock_patience =>
                {
                    std::thread::sleep(PAUSE);
                }
                Err(error) => {
                    // The next batch opens the file anew: it may have been replaced or mended.
                    self.connection = None;
                    return self.losses.add(records.len() as u64, &error);
                }
            }
        }
        // A full batch means that more are waiting, and some may not have found a place.
        if records.len() < BATCH {
            self.losses.end_burst();
        }
    }

    fn write(&mut self, records: &[Record]) -> Result<(), OpenError> {
        let transaction = self.connect()?.transaction()?;
        for record in records {
            records::write(&transaction, record)?;
        }
        Ok(transaction.commit()?)
    }

    fn connect(&mut self) -> Result<&mut Connection, OpenError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::open(&self.settings)?,
        };
        Ok(self.connection.insert(connection))
    }
}

fn is_busy(error: &OpenError) -> bool {
    let OpenError::Sqlite(error) = error else {
        return false;
    };
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}
