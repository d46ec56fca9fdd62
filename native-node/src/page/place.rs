//! Where a node leaves the address of its page, for `kipina-node status` to find it.
//!
//! A file per node, `node-<pid>.json`. One that a killed node left behind is found out by asking:
//! nobody answers there, or somebody else does.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::config::Environment;

/// The folders where it may be, the best one first.
#[derive(Clone, Debug)]
pub struct Places(Vec<PathBuf>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub pid: u32,
    pub port: u16,
}

/// An address that was found, and the file that it was found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub address: Address,
    pub file: PathBuf,
}

/// The file is there as long as this is.
#[derive(Debug)]
pub(super) struct Place(PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        // Left behind, it is found out.
        let _ = fs::remove_file(&self.0);
    }
}

impl Places {
    /// A session's folder goes with the session; the data folder is there for those without one.
    pub fn of(environment: &Environment) -> Self {
        let session = environment.runtime_folder.as_ref();
        let session = session.map(|folder| Path::new(folder).join("kipina"));
        let data = environment.data_folder().map(|folder| folder.join("run"));
        Self([session, data].into_iter().flatten().collect())
    }

    /// In the first folder that takes it.
    pub(super) fn leave(&self, pid: u32, port: u16) -> Option<Place> {
        self.0.iter().find_map(|folder| {
            let left = leave(folder, Address { pid, port });
            left.inspect_err(|error| tracing::debug!("{}: {error}", folder.display()))
                .ok()
        })
    }

    pub fn found(&self) -> Vec<Found> {
        let folders = self.0.iter().filter_map(|folder| fs::read_dir(folder).ok());
        let files = folders
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()));
        let mut found: Vec<Found> = files.filter_map(read).collect();
        found.sort_by_key(|found| found.address.pid);
        found
    }
}

fn leave(folder: &Path, address: Address) -> io::Result<Place> {
    fs::create_dir_all(folder)?;
    let file = folder.join(format!("node-{}.json", address.pid));
    let unfinished = folder.join(format!("node-{}.json.part", address.pid));
    fs::write(&unfinished, serde_json::to_string(&address)?)?;
    fs::rename(&unfinished, &file)?;
    Ok(Place(file))
}

fn read(file: PathBuf) -> Option<Found> {
    let name = file.file_name()?.to_str()?;
    if !name.starts_with("node-") || !name.ends_with(".json") {
        return None;
    }
    let address = serde_json::from_str(&fs::read_to_string(&file).ok()?).ok()?;
    Some(Found { address, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_found_and_gone_with_the_node() {
        let folder = tempfile::tempdir().unwrap();
        let text = |path: &str| Some(folder.path().join(path).display().to_string());
        let environment = Environment {
            runtime_folder: text("run"),
            data_folder: text("data"),
            ..Environment::default()
        };
        let places = Places::of(&environment);
        assert_eq!(places.found(), []);
        let first = places.leave(10, 3210).unwrap();
        let _second = places.leave(9, 3211).unwrap();
        // One whose session had no folder.
        let without_session = Environment {
            runtime_folder: None,
            ..environment
        };
        let _third = Places::of(&without_session).leave(11, 3212).unwrap();
        fs::write(folder.path().join("run/kipina/node-12.json"), "{").unwrap();
        let ports = |places: &Places| -> Vec<u16> {
            places
                .found()
                .iter()
                .map(|found| found.address.port)
                .collect()
        };
        assert_eq!(ports(&places), [3211, 3210, 3212]);
        drop(first);
        assert_eq!(ports(&places), [3211, 3212]);
    }

    #[test]
    fn a_folder_that_takes_nothing_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let places = Places(vec![
            folder.path().join("file"),
            folder.path().join("there"),
        ]);
        let place = places.leave(1, 2).unwrap();
        assert!(place.0.starts_with(folder.path().join("there")));
    }
}
