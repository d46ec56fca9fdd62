//! The tables, and how a database of an older hub is brought up to them.

use std::{fs, io, path::Path, time::Duration};

use rusqlite::Connection;

use super::{
    StoreSettings,
    backup::{self, BackupError},
};

/// Step n brings a database of version n to version n + 1. A step that has been released is never
/// changed again: what is wrong with it is mended by the next.
const MIGRATIONS: &[&str] = &[
    "
    -- The wire gives a node no lasting identity, so its kind and name together stand for it.
    CREATE TABLE nodes (
        kind          TEXT NOT NULL,
        name          TEXT NOT NULL,
        last_node_id  TEXT NOT NULL,
        trusted       INTEGER NOT NULL,
        software      TEXT NOT NULL,
        device        TEXT NOT NULL,     -- JSON
        models        TEXT NOT NULL,     -- JSON
        slots         INTEGER NOT NULL,
        joins         INTEGER NOT NULL,
        first_seen_ms INTEGER NOT NULL,  -- Unix time, like every other *_at and *_seen
        last_seen_ms  INTEGER NOT NULL,
        PRIMARY KEY (kind, name)
    ) STRICT;

    CREATE TABLE prompts (
        id                INTEGER PRIMARY KEY,
        task_id           TEXT NOT NULL,
        requested_model   TEXT NOT NULL,
        model             TEXT,
        node_id           TEXT,
        node_kind         TEXT,
        node_name         TEXT,
        attempts          INTEGER NOT NULL,
        submitted_at_ms   INTEGER NOT NULL,
        queued_ms         INTEGER NOT NULL,
        first_token_ms    INTEGER,
        total_ms          INTEGER NOT NULL,
        prompt_tokens     INTEGER NOT NULL,
        cached_tokens     INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        ending            TEXT NOT NULL
    ) STRICT;
    CREATE INDEX prompts_by_time ON prompts (submitted_at_ms);

    -- Kept apart from `prompts`, so that old rows can be deleted without losing count.
    CREATE TABLE totals (
        only_row          INTEGER PRIMARY KEY CHECK (only_row = 1),
        prompts           INTEGER NOT NULL,
        failed            INTEGER NOT NULL,
        prompt_tokens     INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL
    ) STRICT;
    INSERT INTO totals VALUES (1, 0, 0, 0, 0);
",
    "
    -- A revoked key stays: its number is never given to another.
    CREATE TABLE keys (
        id                INTEGER PRIMARY KEY,
        prefix            TEXT NOT NULL UNIQUE,  -- its first characters, which are no secret
        digest            BLOB NOT NULL,         -- SHA-256 of the whole key
        previous_prefix   TEXT,
        previous_digest   BLOB,
        previous_until_ms INTEGER,
        terms             TEXT NOT NULL,         -- JSON
        created_at_ms     INTEGER NOT NULL,
        revoked_at_ms     INTEGER,
        last_used_at_ms   INTEGER
    ) STRICT;

    CREATE TABLE key_usage (
        key_id            INTEGER NOT NULL,
        day               INTEGER NOT NULL,      -- of UTC, since 1970
        prompts           INTEGER NOT NULL,
        prompt_tokens     INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        PRIMARY KEY (key_id, day)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE admin_log (
        id      INTEGER PRIMARY KEY,
        at_ms   INTEGER NOT NULL,
        who     TEXT NOT NULL,                   -- JSON
        address TEXT NOT NULL,
        action  TEXT NOT NULL,
        subject TEXT NOT NULL,
        details TEXT NOT NULL                    -- JSON
    ) STRICT;
",
    "
    CREATE TABLE node_rules (
        id         INTEGER PRIMARY KEY,
        rule       TEXT NOT NULL,                -- JSON, as all else that is no text of its own
        whom       TEXT NOT NULL,
        reason     TEXT,
        made_at_ms INTEGER NOT NULL
    ) STRICT;

    -- What the environment says holds where there is no row.
    CREATE TABLE settings (
        name  TEXT PRIMARY KEY,
        value TEXT NOT NULL                      -- JSON
    ) STRICT, WITHOUT ROWID;
",
    "
    -- What pools of audits said of nodes: no text. `identity` is a digest of what a node is known by.
    CREATE TABLE audits (
        id          INTEGER PRIMARY KEY,
        at_ms       INTEGER NOT NULL,
        identity    TEXT NOT NULL,
        node_id     TEXT NOT NULL,
        node_name   TEXT NOT NULL,
        model       TEXT NOT NULL,
        digest      TEXT NOT NULL,
        runtime     TEXT NOT NULL,
        auditor_id  TEXT NOT NULL,
        sampled     TEXT NOT NULL,
        tokens      INTEGER NOT NULL,
        mean_margin REAL NOT NULL,               -- logits
        threshold   REAL NOT NULL,
        good        INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX audits_by_time ON audits (at_ms);

    -- How each stands by its last verdict; kept apart, so that old verdicts can be deleted.
    CREATE TABLE audit_standings (
        identity      TEXT NOT NULL,
        digest        TEXT NOT NULL,
        runtime       TEXT NOT NULL,
        good_verdicts INTEGER NOT NULL,          -- in a row
        at_ms         INTEGER NOT NULL,
        tokens        INTEGER NOT NULL,
        mean_margin   REAL NOT NULL,
        threshold     REAL NOT NULL,
        good          INTEGER NOT NULL,
        PRIMARY KEY (identity, digest, runtime)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE suspensions (
        identity  TEXT PRIMARY KEY,
        at_ms     INTEGER NOT NULL,
        node_name TEXT NOT NULL,
        model     TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    -- A number that a rule had is never given to another.
    CREATE TABLE numbered_rules (
        id         INTEGER PRIMARY KEY AUTOINCREMENT,
        rule       TEXT NOT NULL,
        whom       TEXT NOT NULL,
        reason     TEXT,
        made_at_ms INTEGER NOT NULL
    ) STRICT;
    INSERT INTO numbered_rules SELECT * FROM node_rules;
    DROP TABLE node_rules;
    ALTER TABLE numbered_rules RENAME TO node_rules;

    -- What the days of `key_usage` came to that are deleted by now.
    CREATE TABLE key_totals (
        key_id            INTEGER PRIMARY KEY,
        prompts           INTEGER NOT NULL,
        prompt_tokens     INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL
    ) STRICT;
    -- Nodes that are deleted by now.
    ALTER TABLE totals ADD COLUMN nodes_forgotten INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX key_usage_by_day ON key_usage (day);
    CREATE INDEX nodes_by_time ON nodes (last_seen_ms);
    CREATE INDEX admin_log_by_time ON admin_log (at_ms);
",
];

#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("its directory can't be made: {0}")]
    Directory(#[from] io::Error),
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("it is not brought up to date, since no copy of it can be made before: {0}")]
    Backup(#[from] BackupError),
    #[error(
        "it was written by a newer hub (version {found}, this one knows {known}); update this hub or set another DATABASE_PATH"
    )]
    TooNew { found: usize, known: usize },
}

/// Opens the database for writing, and makes or migrates it where needed.
pub(super) fn open(settings: &StoreSettings) -> Result<Connection, OpenError> {
    if let Some(directory) = settings.path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut connection = Connection::open(&settings.path)?;
    // The writer has its own patience for locks; this only saves it from waking too often.
    connection.busy_timeout(Duration::from_millis(50))?;
    if let Some(pages) = settings.max_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // In WAL mode this can lose the last moments to a power cut, but never the database.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    migrate(&mut connection, &settings.path, MIGRATIONS)?;
    Ok(connection)
}

/// Why a database that is there can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("version {found} is newer than {known}")]
    TooNew { found: usize, known: usize },
}

/// Whether this hub can use the database, which it does not touch; one that is not there will be made.
pub fn inspect(path: &Path) -> Result<(), InspectError> {
    if !path.exists() {
        return Ok(());
    }
    let (found, known) = (version(&open_read_only(path)?)?, MIGRATIONS.len());
    if found > known {
        return Err(InspectError::TooNew { found, known });
    }
    Ok(())
}

/// Opens what `open` has made, for reading only.
pub(super) fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(1))?;
    Ok(connection)
}

fn migrate(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<(), OpenError> {
    let known = steps.len();
    // A database that is up to date is opened without a write: that works even on a full disk.
    let before = version(connection)?;
    if before == known {
        return Ok(());
    }
    if before > 0 && before < known {
        keep_copy(connection, path, before)?;
    }
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > known {
        return Err(OpenError::TooNew { found, known });
    }
    for step in &steps[found..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    Ok(transaction.commit()?)
}

/// A step can't be undone, so what was before it is kept: `kipina.sqlite.v1`.
fn keep_copy(connection: &Connection, path: &Path, version: usize) -> Result<(), OpenError> {
    let mut copy = path.as_os_str().to_owned();
    copy.push(format!(".v{version}"));
    match backup::copy(connection, path, Path::new(&copy)) {
        // Of a step that was not taken to its end: the database is still the same.
        Ok(_) | Err(BackupError::Exists { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const NEXT: &str = "CREATE TABLE next (id INTEGER PRIMARY KEY) STRICT;";

    fn tables(path: &Path) -> Vec<String> {
        let connection = Connection::open(path).unwrap();
        let mut statement = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    }

    #[test]
    fn a_database_is_copied_before_it_is_brought_up_to_date() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("hub.sqlite");
        let copy = directory.path().join("hub.sqlite.v1");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &path, &MIGRATIONS[..1]).unwrap();
        assert!(!copy.exists(), "a new database has nothing to lose");

        migrate(&mut connection, &path, &[MIGRATIONS[0], NEXT]).unwrap();
        assert!(tables(&path).contains(&"next".to_owned()));
        assert_eq!(version(&connection).unwrap(), 2);
        let kept = tables(&copy);
        assert!(kept.contains(&"prompts".to_owned()) && !kept.contains(&"next".to_owned()));
    }

    #[test]
    fn without_its_copy_a_database_stays_as_it_is() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("hub.sqlite");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &path, &MIGRATIONS[..1]).unwrap();
        // A directory in the way of the copy that is being made can't be written by anybody.
        fs::create_dir(directory.path().join("hub.sqlite.v1.part")).unwrap();

        let error = migrate(&mut connection, &path, &[MIGRATIONS[0], NEXT]).unwrap_err();
        assert!(matches!(error, OpenError::Backup(_)), "{error}");
        assert_eq!(version(&connection).unwrap(), 1);
    }
}
