//! Keeps a folder in step with a project: the team's files go out, what a person wrote comes in.

use std::collections::{BTreeMap, HashMap, HashSet};

use pipeline::{Event, File, FilePath, Project, Role};

use super::folder::{Folder, Unwritten};

#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) folder: Folder,
    /// What each file holds, as far as is known, or would hold if it could be written.
    held: HashMap<FilePath, String>,
    /// The person's, whatever the team writes.
    left_alone: HashSet<FilePath>,
    /// Of the project, but not in the folder.
    pub(crate) unwritten: BTreeMap<FilePath, Unwritten>,
}

/// A file that has just been written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) path: FilePath,
    pub(crate) lines: usize,
    pub(crate) bytes: usize,
    /// None: the person, whose file was missing from the folder.
    pub(crate) by: Option<Role>,
}

impl Files {
    pub(crate) fn new(folder: Folder) -> Self {
        Self {
            folder,
            held: HashMap::new(),
            left_alone: HashSet::new(),
            unwritten: BTreeMap::new(),
        }
    }

    /// What the person has written into the files since the project was saved.
    ///
    /// An older text of the same file is no person's: the program was ended between saving and writing.
    pub(crate) fn take_up(&mut self, project: &Project) -> Vec<Event> {
        let mut edits = Vec::new();
        for file in &project.files {
            let path = &file.planned.path;
            match self.folder.read(path) {
                Ok(None) => {}
                Ok(Some(text)) => {
                    if is_person_s(file, &text) {
                        let (path, text) = (path.clone(), text.clone());
                        edits.push(Event::Edit { path, text });
                    }
                    self.held.insert(path.clone(), text);
                }
                Err(reason) => {
                    self.left_alone.insert(path.clone());
                    self.unwritten.insert(path.clone(), reason);
                }
            }
        }
        edits
    }

    /// Writes what is new. What could not be written is in [`Self::unwritten`] from then on, and its path among those
    /// that come out second.
    pub(crate) fn write(&mut self, project: &Project) -> (Vec<Written>, Vec<FilePath>) {
        let (mut written, mut failed) = (Vec::new(), Vec::new());
        for file in &project.files {
            let path = &file.planned.path;
            let Some(version) = file.versions.last() else {
                continue;
            };
            let is_held = self.held.get(path) == Some(&version.text);
            if is_held || self.left_alone.contains(path) {
                continue;
            }
            match self.folder.write(path, &version.text) {
                Ok(()) => {
                    self.unwritten.remove(path);
                    written.push(Written {
                        path: path.clone(),
                        lines: version.text.lines().count(),
                        bytes: version.text.len(),
                        by: version.by,
                    });
                }
                Err(reason) => {
                    self.unwritten.insert(path.clone(), reason);
                    failed.push(path.clone());
                }
            }
            self.held.insert(path.clone(), version.text.clone());
        }
        self.unwritten
            .retain(|path, _| project.file(path).is_some());
        (written, failed)
    }
}

/// Also where the team has not written the file yet: the person did.
fn is_person_s(file: &File, text: &str) -> bool {
    file.versions.iter().all(|version| version.text != text)
}
