//! The folder that a project is written into. Nothing outside it is ever opened: every path is resolved by `cap-std`
//! within the folder, links included, whatever a model, a saved project or another program put there.

use std::{
    ffi::OsStr,
    fs::TryLockError,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use cap_std::{
    ambient_authority,
    fs::{Dir, OpenOptions},
};
use pipeline::FilePath;

use super::record::Record;

/// kpn's own folder inside the project's.
const OWN: &str = ".kipina";
const STATE: &str = ".kipina/project.json";
const LOCK: &str = ".kipina/lock";
/// What is written lies here until it is whole.
const UNFINISHED: &str = ".kipina/unfinished";

/// A longer file is none that a person wrote for a model to read.
const LONGEST_FILE_BYTES: u64 = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error("{path}: {reason}")]
    Open { path: PathBuf, reason: io::Error },
    /// Another program works in it.
    #[error("another kpn works in this folder")]
    Busy,
    #[error("{reason}")]
    State { reason: String },
    #[error("{reason}")]
    Save { reason: io::Error },
}

/// Why a file is not in the folder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unwritten {
    /// Such a file would steer git, or kpn itself.
    #[error("the name is reserved")]
    Reserved,
    #[error("there is a link in its place")]
    Link,
    #[error("there is a folder in its place")]
    Folder,
    /// Something of the person's that is no text.
    #[error("there is a file in its place that is no text")]
    NoText,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A folder that is looked at: nothing in it is made or changed.
#[derive(Debug)]
pub(crate) struct Place {
    dir: Dir,
}

/// A folder that is worked in, by this program alone.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) place: Place,
    /// Held as long as the folder is open.
    _lock: std::fs::File,
}

impl Place {
    /// None where there is nothing.
    pub(crate) fn look(path: &Path) -> Result<Option<Self>, FolderError> {
        match Dir::open_ambient_dir(path, ambient_authority()) {
            Ok(dir) => Ok(Some(Self { dir })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(reason) => Err(FolderError::open(path, reason)),
        }
    }

    /// Whether it has nothing but what git and kpn keep there.
    pub(crate) fn is_empty(&self) -> io::Result<bool> {
        for entry in self.dir.entries()? {
            let name = entry?.file_name();
            if name != OWN && name != ".git" {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The project that was saved; None where there is none.
    pub(crate) fn load(&self) -> Result<Option<Record>, FolderError> {
        match self.dir.read(STATE) {
            Ok(text) => Record::parse(&text)
                .map(Some)
                .map_err(|reason| FolderError::State { reason }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FolderError::State {
                reason: error.to_string(),
            }),
        }
    }
}

impl FolderError {
    fn open(path: &Path, reason: io::Error) -> Self {
        Self::Open {
            path: path.to_owned(),
            reason,
        }
    }
}

impl Folder {
    /// # Errors
    /// It can't be made or opened, or another program works in it.
    pub(crate) fn open(path: &Path) -> Result<Self, FolderError> {
        let failed = |reason| FolderError::open(path, reason);
        std::fs::create_dir_all(path).map_err(failed)?;
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?;
        dir.create_dir_all(OWN).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let lock = dir.open_with(LOCK, &options).map_err(failed)?.into_std();
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                place: Place { dir },
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(FolderError::Busy),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    fn dir(&self) -> &Dir {
        &self.place.dir
    }

    /// All of it or nothing, even when the power fails.
    pub(crate) fn save(&self, record: &Record) -> Result<(), FolderError> {
        let save = || {
            let text = record.text()?;
            self.replace(STATE, &text)
        };
        save().map_err(|reason| FolderError::Save { reason })
    }

    pub(crate) fn write(&self, path: &FilePath, text: &str) -> Result<(), Unwritten> {
        self.check(path)?;
        let path = path.as_str();
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.dir().create_dir_all(folder)?;
        }
        Ok(self.replace(path, text)?)
    }

    /// What stands in a file now; None where there is none.
    pub(crate) fn read(&self, path: &FilePath) -> Result<Option<String>, Unwritten> {
        self.check(path)?;
        let file = match self.dir().open(path.as_str()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if !file.metadata()?.is_file() {
            return Err(Unwritten::NoText);
        }
        let mut text = String::new();
        let read = file.take(LONGEST_FILE_BYTES + 1).read_to_string(&mut text);
        match read {
            Ok(_) if text.len() as u64 <= LONGEST_FILE_BYTES => Ok(Some(text)),
            Ok(_) => Err(Unwritten::NoText),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Unwritten::NoText),
            Err(error) => Err(error.into()),
        }
    }

    /// What is no file of a project is neither written nor read: its text would go out with the next question.
    fn check(&self, path: &FilePath) -> Result<(), Unwritten> {
        if is_reserved(Path::new(path.as_str())) {
            return Err(Unwritten::Reserved);
        }
        // A link inside the folder may lead to what is reserved there.
        let mut folders = Path::new(path.as_str()).ancestors().skip(1);
        let real = folders.find_map(|folder| self.dir().canonicalize(folder).ok());
        if real.is_some_and(|folder| is_reserved(&folder)) {
            return Err(Unwritten::Reserved);
        }
        match self.dir().symlink_metadata(path.as_str()) {
            Ok(there) if there.is_symlink() => Err(Unwritten::Link),
            Ok(there) if there.is_dir() => Err(Unwritten::Folder),
            _ => Ok(()),
        }
    }

    /// A rename puts the new text in place of the old one: nobody reads half of it, and nothing is written through a
    /// link that stands there.
    fn replace(&self, path: &str, text: &str) -> io::Result<()> {
        match self.dir().remove_file(UNFINISHED) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let mut file = self.dir().open_with(UNFINISHED, &options)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        drop(file);
        self.dir().rename(UNFINISHED, self.dir(), path)
    }
}

/// git runs what its files say, and kpn believes its own.
fn is_reserved(path: &Path) -> bool {
    let mut segments = path.iter();
    let is = |segment: &OsStr, name: &str| segment.eq_ignore_ascii_case(name);
    segments.clone().next().is_some_and(|first| is(first, OWN))
        || segments.any(|segment| is(segment, ".git"))
}

#[cfg(test)]
mod tests;
