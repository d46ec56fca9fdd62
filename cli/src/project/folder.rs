//! The folder that a project is written into. Nothing outside it is ever opened: every path is resolved by `cap-std`
//! within the folder, links included, whatever a model, a saved project or another program put there.

use std::{
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

#[derive(Debug)]
pub(crate) struct Folder {
    dir: Dir,
    /// Held as long as the folder is open.
    _lock: std::fs::File,
}

impl Folder {
    /// Whether there is something already, a project or other files.
    pub(crate) fn is_there(path: &Path) -> bool {
        path.exists()
    }

    /// # Errors
    /// It can't be made or opened, or another program works in it.
    pub(crate) fn open(path: &Path) -> Result<Self, FolderError> {
        let failed = |reason| FolderError::Open {
            path: path.to_owned(),
            reason,
        };
        std::fs::create_dir_all(path).map_err(failed)?;
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?;
        dir.create_dir_all(OWN).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let lock = dir.open_with(LOCK, &options).map_err(failed)?.into_std();
        match lock.try_lock() {
            Ok(()) => Ok(Self { dir, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::Busy),
            Err(TryLockError::Error(error)) => Err(failed(error)),
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

    /// All of it or nothing, even when the power fails.
    pub(crate) fn save(&self, record: &Record) -> Result<(), FolderError> {
        let save = || {
            let text = record.text()?;
            self.replace(STATE, &text)
        };
        save().map_err(|reason| FolderError::Save { reason })
    }

    pub(crate) fn write(&self, path: &FilePath, text: &str) -> Result<(), Unwritten> {
        if is_reserved(path) {
            return Err(Unwritten::Reserved);
        }
        let path = path.as_str();
        match self.dir.symlink_metadata(path) {
            Ok(there) if there.is_symlink() => return Err(Unwritten::Link),
            Ok(there) if there.is_dir() => return Err(Unwritten::Folder),
            _ => {}
        }
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.dir.create_dir_all(folder)?;
        }
        Ok(self.replace(path, text)?)
    }

    /// What stands in a file now; None where there is none.
    pub(crate) fn read(&self, path: &FilePath) -> Result<Option<String>, Unwritten> {
        let file = match self.dir.open(path.as_str()) {
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

    /// A rename puts the new text in place of the old one: nobody reads half of it, and nothing is written through a
    /// link that stands there.
    fn replace(&self, path: &str, text: &str) -> io::Result<()> {
        match self.dir.remove_file(UNFINISHED) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let mut file = self.dir.open_with(UNFINISHED, &options)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        drop(file);
        self.dir.rename(UNFINISHED, &self.dir, path)
    }
}

/// git runs what its files say, and kpn believes its own.
fn is_reserved(path: &FilePath) -> bool {
    let mut segments = path.as_str().split('/');
    let is = |segment: &str, name: &str| segment.eq_ignore_ascii_case(name);
    segments.clone().next().is_some_and(|first| is(first, OWN))
        || segments.any(|segment| is(segment, ".git"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FilePath {
        FilePath::parse(text).unwrap()
    }

    #[test]
    fn files_are_written_whole_and_read_back() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(&place.path().join("new/project")).unwrap();
        assert!(folder.is_empty().unwrap());
        folder.write(&path("app/main.py"), "x = 1\n").unwrap();
        folder.write(&path("app/main.py"), "y\n").unwrap();
        assert_eq!(
            folder.read(&path("app/main.py")).unwrap().as_deref(),
            Some("y\n")
        );
        assert!(folder.read(&path("none.py")).unwrap().is_none());
        assert!(!folder.is_empty().unwrap());
        assert!(!place.path().join("new/project").join(UNFINISHED).exists());
    }

    #[test]
    fn only_one_works_in_a_folder() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        assert!(matches!(Folder::open(place.path()), Err(FolderError::Busy)));
        drop(folder);
        assert!(Folder::open(place.path()).is_ok());
    }

    #[test]
    fn what_steers_git_or_kpn_is_not_written() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        for reserved in [
            ".git/hooks/pre-commit",
            ".GIT/config",
            "sub/.git/config",
            ".kipina/project.json",
            ".Kipina/x",
        ] {
            let written = folder.write(&path(reserved), "x");
            assert!(
                matches!(written, Err(Unwritten::Reserved)),
                "{reserved}: {written:?}"
            );
        }
        folder.write(&path(".gitignore"), "x").unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn no_link_leads_out() {
        use std::os::unix::fs::symlink;
        let (place, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("file"), "untouched").unwrap();
        let folder = Folder::open(place.path()).unwrap();
        symlink(outside.path(), place.path().join("absolute")).unwrap();
        symlink(outside.path().join("file"), place.path().join("file.py")).unwrap();
        symlink(outside.path().join("new"), place.path().join("new.py")).unwrap();
        let up = Path::new("..").join(outside.path().file_name().unwrap());
        symlink(up, place.path().join("relative")).unwrap();
        std::fs::create_dir(place.path().join("deep")).unwrap();
        symlink("../..", place.path().join("deep/er")).unwrap();
        for out in [
            "absolute/x.py",
            "absolute/new/x.py",
            "relative/x.py",
            "file.py",
            "new.py",
            "deep/er/x.py",
            "file.py/x.py",
        ] {
            assert!(folder.write(&path(out), "x").is_err(), "{out}");
            assert!(!matches!(folder.read(&path(out)), Ok(Some(_))), "{out}");
        }
        let names: Vec<_> = std::fs::read_dir(outside.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        let kept = std::fs::read_to_string(outside.path().join("file")).unwrap();
        assert_eq!(kept, "untouched");
        // A link that stays inside is as good as a folder.
        symlink("deep", place.path().join("same")).unwrap();
        folder.write(&path("same/x.py"), "x").unwrap();
        assert!(place.path().join("deep/x.py").exists());
    }

    #[cfg(unix)]
    #[test]
    fn kpn_s_own_folder_may_not_lead_out_either() {
        use std::os::unix::fs::symlink;
        let (place, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        symlink(outside.path(), place.path().join(OWN)).unwrap();
        assert!(matches!(
            Folder::open(place.path()),
            Err(FolderError::Open { .. })
        ));
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join(OWN)).unwrap();
        for name in [LOCK, UNFINISHED, STATE] {
            symlink(outside.path().join("x"), place.path().join(name)).unwrap();
        }
        assert!(Folder::open(place.path()).is_err(), "the lock leads out");
        std::fs::remove_file(place.path().join(LOCK)).unwrap();
        let folder = Folder::open(place.path()).unwrap();
        assert!(folder.load().is_err());
        folder.save(&Record::new("x")).unwrap();
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
        assert!(folder.load().unwrap().is_some());
    }

    #[test]
    fn what_is_no_text_is_left_to_the_person() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        std::fs::write(place.path().join("a.py"), [0xff, 0xfe]).unwrap();
        std::fs::write(place.path().join("b.py"), vec![b'x'; (1 << 20) + 1]).unwrap();
        std::fs::create_dir(place.path().join("c.py")).unwrap();
        for name in ["a.py", "b.py", "c.py"] {
            assert!(folder.read(&path(name)).is_err(), "{name}");
        }
        assert!(matches!(
            folder.write(&path("c.py"), "x"),
            Err(Unwritten::Folder)
        ));
    }
}
