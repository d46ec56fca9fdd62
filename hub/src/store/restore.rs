//! A backup in the database's place.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    backup::{BackupError, back_up},
    schema::{self, InspectError},
};

/// What SQLite keeps beside a database; the first holds commits.
const LOGS: [&str; 2] = ["-wal", "-shm"];

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("{}: no backup that this hub can read: {error}", path.display())]
    Unusable { path: PathBuf, error: InspectError },
    #[error(transparent)]
    Copy(#[from] BackupError),
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
}

/// Puts a copy of `backup` in the place of `database`, on which no hub may be running. What is there now, whole or
/// damaged, stays as `kept`, which must not exist. Gives the number of prompts in it.
pub fn restore(backup: &Path, database: &Path, kept: &Path) -> Result<u64, RestoreError> {
    let is_there = |path: &Path| path.is_file().then_some(());
    is_there(backup).ok_or_else(|| BackupError::NoDatabase {
        path: backup.to_owned(),
    })?;
    schema::inspect(backup).map_err(|error| RestoreError::Unusable {
        path: backup.to_owned(),
        error,
    })?;
    if let Some(folder) = database.parent() {
        fs::create_dir_all(folder).map_err(|error| file(folder, error))?;
    }
    let coming = beside(database, ".restored");
    remove(&coming)?;
    let restored = back_up(backup, &coming)?;
    if is_there(database).is_some() {
        keep(database, kept)?;
    }
    // The old one's must not get into the new one.
    for log in LOGS {
        remove(&beside(database, log))?;
    }
    fs::rename(&coming, database).map_err(|error| file(database, error))?;
    Ok(restored.prompts)
}

/// Under a second name rather than a new one: whenever this is cut off, the database is where it was.
fn keep(database: &Path, kept: &Path) -> Result<(), RestoreError> {
    if kept.exists() {
        return Err(BackupError::Exists {
            path: kept.to_owned(),
        }
        .into());
    }
    // Some file systems know no second names.
    fs::hard_link(database, kept)
        .or_else(|_| fs::copy(database, kept).map(|_| ()))
        .map_err(|error| file(kept, error))?;
    let log = beside(database, LOGS[0]);
    if log.is_file() {
        let kept = beside(kept, LOGS[0]);
        fs::copy(log, &kept).map_err(|error| file(&kept, error))?;
    }
    Ok(())
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn remove(path: &Path) -> Result<(), RestoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file(path, error)),
        _ => Ok(()),
    }
}

fn file(path: &Path, error: io::Error) -> RestoreError {
    let path = path.to_owned();
    RestoreError::File { path, error }
}
