//! What operators decided, once more in a file beside the database: where the database can't be read when the hub
//! starts, nobody who was banned gets in by that, and a hub for keys only is not open.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::decisions::{StoredRules, StoredSettings};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Decisions {
    pub(super) rules: StoredRules,
    pub(super) settings: StoredSettings,
}

/// Writes the file where there is something new.
#[derive(Debug)]
pub(super) struct Copy {
    path: PathBuf,
    written: Option<Decisions>,
}

/// As they were when the database could last be read; nothing where the file is not there.
pub(super) fn read(database: &Path) -> Decisions {
    let path = beside(database);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Decisions::default(),
        Err(error) => {
            tracing::warn!("{}: {error}", path.display());
            return Decisions::default();
        }
    };
    serde_json::from_slice(&bytes).unwrap_or_else(|error| {
        tracing::warn!("{}: {error}", path.display());
        Decisions::default()
    })
}

impl Copy {
    pub(super) fn new(database: &Path) -> Self {
        Self {
            path: beside(database),
            written: None,
        }
    }

    pub(super) fn keep(&mut self, decisions: Decisions) -> io::Result<()> {
        if self.written.as_ref() == Some(&decisions) {
            return Ok(());
        }
        // Whoever reads it sees all of one writing, or of the one before; two hubs may write while one takes over.
        let part = with_suffix(&self.path, &format!(".{}.part", std::process::id()));
        let mut file = File::create(&part)?;
        file.write_all(&serde_json::to_vec(&decisions)?)?;
        file.sync_all()?;
        fs::rename(&part, &self.path)?;
        self.written = Some(decisions);
        Ok(())
    }
}

/// `kipina.sqlite.decisions`.
fn beside(database: &Path) -> PathBuf {
    with_suffix(database, ".decisions")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_kept_is_read_back_and_what_is_no_copy_is_nothing() {
        let folder = tempfile::TempDir::new().unwrap();
        let database = folder.path().join("hub.sqlite");
        assert_eq!(read(&database), Decisions::default());
        let decisions = Decisions {
            settings: vec![("access".to_owned(), json!("keys"))],
            ..Decisions::default()
        };
        Copy::new(&database).keep(decisions.clone()).unwrap();
        assert_eq!(read(&database), decisions);
        fs::write(beside(&database), "half a fi").unwrap();
        assert_eq!(read(&database), Decisions::default());
    }
}
