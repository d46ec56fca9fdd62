//! The thread that owns the only connection that writes.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant, SystemTime},
};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::{
    Gauges, Losses, StoreError, StoreSettings, StoredKeys, admin_log,
    admin_store::{AdminChange, StoredChange},
    audits,
    beside::{Copy, Decisions},
    decisions::{self, StoredRules, StoredSettings},
    keys, records,
    retention::Retention,
    schema::{self, OpenError},
};
use crate::dispatch::{KnownAudits, Record};

/// Records written in one transaction, at most.
const BATCH: usize = 512;

/// Between two tries of a batch while somebody else holds the database locked.
const PAUSE: Duration = Duration::from_millis(20);

/// For which the answer to a probe holds.
const PROBE_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) enum Command {
    Record(Box<Record>),
    /// Answered once everything that came before it is written or lost.
    Flush(oneshot::Sender<()>),
    LoadKeys(Reply<StoredKeys>),
    LoadRules(Reply<StoredRules>),
    LoadAudits(Reply<KnownAudits>),
    LoadSettings(Reply<StoredSettings>),
    Administer(Box<AdminChange>, Reply<()>),
    /// Answered with whether the database takes a write.
    Probe(oneshot::Sender<bool>),
    Stop,
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

pub(super) struct Writer {
    settings: StoreSettings,
    inbox: Receiver<Command>,
    losses: Arc<Losses>,
    gauges: Arc<Gauges>,
    retention: Retention,
    probed: Option<(Instant, bool)>,
    decisions: Copy,
    /// Absent until the database can be opened.
    connection: Option<Connection>,
}

/// The commands of one round: records, and what came after them and is no record.
#[derive(Default)]
struct Round {
    records: Vec<Record>,
    then: Option<Command>,
}

impl Writer {
    pub(super) fn new(
        settings: StoreSettings,
        inbox: Receiver<Command>,
        losses: Arc<Losses>,
        gauges: Arc<Gauges>,
    ) -> Self {
        Self {
            retention: Retention::new(settings.retention, Instant::now()),
            decisions: Copy::new(&settings.path),
            settings,
            inbox,
            losses,
            gauges,
            probed: None,
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
            // Whoever asked may have stopped waiting for the reply.
            match round.then {
                Some(Command::Flush(flushed)) => {
                    let _ = flushed.send(());
                }
                Some(Command::LoadKeys(reply)) => {
                    self.answer(reply, |connection| Ok(keys::load(connection)?));
                }
                Some(Command::LoadRules(reply)) => {
                    self.answer(reply, |connection| Ok(decisions::rules(connection)?));
                    self.copy_decisions();
                }
                Some(Command::LoadSettings(reply)) => {
                    self.answer(reply, |connection| Ok(decisions::settings(connection)?));
                }
                Some(Command::LoadAudits(reply)) => {
                    self.answer(reply, |connection| Ok(audits::load(connection)?));
                }
                Some(Command::Administer(change, reply)) => {
                    self.answer(reply, |connection| administer(connection, &change));
                    self.copy_decisions();
                }
                Some(Command::Probe(reply)) => {
                    let _ = reply.send(self.probe());
                }
                Some(Command::Stop) => break,
                Some(Command::Record(_)) | None => {}
            }
            self.delete_old();
        }
    }

    /// Waits for a command, and takes with it what else has come meanwhile: the busier the hub,
    /// the larger the transactions.
    fn next_round(&self) -> Option<Round> {
        let mut round = Round::default();
        let mut next = match self.retention.rest(Instant::now()) {
            None => Some(self.inbox.recv().ok()?),
            Some(rest) => match self.inbox.recv_timeout(rest) {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return None,
            },
        };
        while let Some(command) = next {
            match command {
                Command::Record(record) => round.records.push(*record),
                other => round.then = Some(other),
            }
            let full = round.records.len() >= BATCH || round.then.is_some();
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
        let waiting = records.len() as u64;
        self.gauges.left(waiting);
        let started = Instant::now();
        if let Err(error) = self.patiently(|connection| write(connection, records)) {
            return self.losses.add(waiting, &error);
        }
        self.gauges.written(waiting, started.elapsed());
        // A full batch means that more are waiting, and some may not have found a place.
        if records.len() < BATCH {
            self.losses.end_burst();
        }
    }

    /// Tries again while somebody else holds the database locked, as long as patience lasts.
    fn patiently<T>(
        &mut self,
        work: impl Fn(&mut Connection) -> Result<T, OpenError>,
    ) -> Result<T, OpenError> {
        let started = Instant::now();
        loop {
            match self.connect().and_then(&work) {
                Err(error)
                    if is_busy(&error) && started.elapsed() < self.settings.lock_patience =>
                {
                    std::thread::sleep(PAUSE);
                }
                Err(error) => {
                    // The next try opens the file anew: it may have been replaced or mended.
                    self.connection = None;
                    return Err(error);
                }
                done => return done,
            }
        }
    }

    fn answer<T>(
        &mut self,
        reply: Reply<T>,
        work: impl Fn(&mut Connection) -> Result<T, OpenError>,
    ) {
        let done = self
            .patiently(work)
            .map_err(|error| StoreError::new(format!("{}: {error}", self.settings.path.display())));
        // Whoever asked may have left.
        let _ = reply.send(done);
    }

    /// Strangers may ask as often as they like: within a pause they get the same answer.
    fn probe(&mut self) -> bool {
        let now = Instant::now();
        if let Some((at, writable)) = self.probed
            && now - at < PROBE_PAUSE
        {
            return writable;
        }
        let written = self.write_nothing();
        if let Err(error) = &written {
            tracing::warn!("{}: {error}", self.settings.path.display());
            if !is_busy(error) {
                self.connection = None;
            }
        }
        self.probed = Some((now, written.is_ok()));
        written.is_ok()
    }

    /// A true write: a full disk and a file that is read-only show in no less.
    fn write_nothing(&mut self) -> Result<(), OpenError> {
        let transaction = self.connect()?.transaction()?;
        transaction.execute("UPDATE totals SET prompts = prompts", [])?;
        Ok(transaction.commit()?)
    }

    fn copy_decisions(&mut self) {
        let Some(connection) = &self.connection else {
            return;
        };
        let read = || -> rusqlite::Result<Decisions> {
            Ok(Decisions {
                rules: decisions::rules(connection)?,
                settings: decisions::settings(connection)?,
            })
        };
        let kept = match read() {
            Ok(decisions) => self.decisions.keep(decisions).map_err(|it| it.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = kept {
            let path = self.settings.path.display();
            tracing::warn!("{path}: what operators decided can't be copied beside it: {error}");
        }
    }

    fn delete_old(&mut self) {
        let now = Instant::now();
        if self.retention.rest(now) != Some(Duration::ZERO) {
            return;
        }
        let Some(connection) = &self.connection else {
            return self.retention.postpone(now);
        };
        match self.retention.bite(connection, now, SystemTime::now()) {
            Ok(0) => {}
            Ok(deleted) => tracing::debug!("{deleted} old rows were deleted"),
            Err(error) => tracing::warn!(
                "{}: what is old can't be deleted: {error}",
                self.settings.path.display()
            ),
        }
    }

    fn connect(&mut self) -> Result<&mut Connection, OpenError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::open(&self.settings)?,
        };
        Ok(self.connection.insert(connection))
    }
}

fn write(connection: &mut Connection, records: &[Record]) -> Result<(), OpenError> {
    let transaction = connection.transaction()?;
    for record in records {
        records::write(&transaction, record)?;
    }
    Ok(transaction.commit()?)
}

fn administer(connection: &mut Connection, change: &AdminChange) -> Result<(), OpenError> {
    let transaction = connection.transaction()?;
    for change in &change.changes {
        match change {
            StoredChange::Key(key) => keys::put(&transaction, key)?,
            StoredChange::Rule(rule) => decisions::put_rule(&transaction, rule)?,
            StoredChange::Reinstated(identity) => audits::reinstate(&transaction, identity)?,
            StoredChange::RuleTakenBack(id) => decisions::delete_rule(&transaction, *id)?,
            StoredChange::Setting { name, value } => {
                decisions::put_setting(&transaction, name, value.as_ref())?;
            }
        }
    }
    admin_log::write(&transaction, &change.entry)?;
    Ok(transaction.commit()?)
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
