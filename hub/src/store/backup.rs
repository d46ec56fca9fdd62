//! A copy of the database as it is at one moment, while hubs go on writing to it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::schema;

/// Waiting for whoever locks the whole database, which hubs never do for long.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{}: there is no database", path.display())]
    NoDatabase { path: PathBuf },
    #[error("{}: it is there already", path.display())]
    Exists { path: PathBuf },
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{}: {error}", path.display())]
    Sqlite {
        path: PathBuf,
        error: rusqlite::Error,
    },
    #[error("{}: the copy is damaged, and so may be the database: {found}", path.display())]
    Damaged { path: PathBuf, found: String },
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackedUp {
    pub bytes: u64,
    pub prompts: u64,
}

/// Copies `database` to `target`, which must not exist; what stands there afterwards is whole and checked, or nothing
/// does.
pub fn back_up(database: &Path, target: &Path) -> Result<BackedUp, BackupError> {
    if !database.is_file() {
        return Err(BackupError::NoDatabase {
            path: database.to_owned(),
        });
    }
    let source = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|source| source.busy_timeout(LOCK_PATIENCE).map(|()| source))
        .map_err(|error| sqlite(database, error))?;
    copy(&source, database, target)
}

/// From a connection that is open already.
pub(super) fn copy(
    source: &Connection,
    database: &Path,
    target: &Path,
) -> Result<BackedUp, BackupError> {
    if target.exists() {
        return Err(BackupError::Exists {
            path: target.to_owned(),
        });
    }
    let unfinished = unfinished(target);
    let copied = copy_to(source, database, &unfinished).and_then(|backed_up| {
        fs::rename(&unfinished, target).map_err(|error| file(target, error))?;
        Ok(backed_up)
    });
    if copied.is_err() {
        // What is half a copy is worse than none; where it can't be removed, its name says what it is.
        let _ = fs::remove_file(&unfinished);
    }
    copied
}

fn copy_to(source: &Connection, database: &Path, target: &Path) -> Result<BackedUp, BackupError> {
    // Left over from a copy that was cut off.
    match fs::remove_file(target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(target, error)),
        _ => {}
    }
    let mut copy = Connection::open(target).map_err(|error| sqlite(target, error))?;
    // All pages in one step: one moment's database, however busy the hub is. In WAL mode nobody waits for it.
    Backup::new(source, &mut copy)
        .and_then(|backup| backup.run_to_completion(i32::MAX, Duration::from_millis(20), None))
        .map_err(|error| sqlite(database, error))?;
    let checked = check(&copy).map_err(|error| sqlite(target, error))?;
    drop(copy);
    let prompts = checked.map_err(|found| BackupError::Damaged {
        path: target.to_owned(),
        found,
    })?;
    let written = File::open(target).and_then(|file| {
        file.sync_all()?;
        Ok(file.metadata()?.len())
    });
    let bytes = written.map_err(|error| file(target, error))?;
    Ok(BackedUp { bytes, prompts })
}

/// The number of prompts, or what is wrong with the database.
fn check(copy: &Connection) -> rusqlite::Result<Result<u64, String>> {
    // One file, with no log beside it that could be left behind.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    let found: String = copy.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
    if found != "ok" {
        return Ok(Err(found));
    }
    if schema::version(copy)? == 0 {
        return Ok(Err("it is no hub's database".to_owned()));
    }
    let prompts = copy.query_row("SELECT count(*) FROM prompts", [], |row| row.get(0))?;
    Ok(Ok(prompts))
}

fn unfinished(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn file(path: &Path, error: io::Error) -> BackupError {
    let path = path.to_owned();
    BackupError::File { path, error }
}

fn sqlite(path: &Path, error: rusqlite::Error) -> BackupError {
    let path = path.to_owned();
    BackupError::Sqlite { path, error }
}
