//! Keeps a folder in step with a project: the team's files go out, what a person writes comes in.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    time::Duration,
};

use pipeline::{File, FilePath, Project, Role};

use super::folder::{Folder, Unwritten};

const MOMENT: Duration = Duration::from_millis(50);
const MOST_MOMENTS: u32 = 20;

#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) folder: Folder,
    known: HashMap<FilePath, Known>,
    /// Of the project, but not in the folder.
    pub(crate) unwritten: BTreeMap<FilePath, Unwritten>,
}

/// What is known of a file. Anything else that stands in its place is a person's.
#[derive(Debug)]
struct Known {
    held: Held,
    /// A text that could not be written: trying again would come to the same.
    refused: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Held {
    Nothing,
    Text(String),
    /// A file, but no text.
    Other,
}

/// What a look at folder and project came to.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) written: Vec<Written>,
    /// New in [`Files::unwritten`].
    pub(crate) failed: Vec<FilePath>,
    /// What a person has written, and where.
    pub(crate) edits: Vec<(FilePath, String)>,
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
    /// `project`: as it was saved.
    pub(crate) fn new(folder: Folder, project: &Project) -> Self {
        let known = |file: &File| {
            let path = &file.planned.path;
            // An older text of the same file is no person's: the program was ended between saving and writing.
            let held = match folder.read(path) {
                Ok(Some(text)) if file.versions.iter().any(|version| version.text == text) => {
                    Held::Text(text)
                }
                _ => Held::Nothing,
            };
            (path.clone(), Known::new(held))
        };
        let known = project.files.iter().map(known).collect();
        Self {
            folder,
            known,
            unwritten: BTreeMap::new(),
        }
    }

    /// Must hear of new files before anybody else does: what stands in their places now is to be replaced, and what comes
    /// later is a person's.
    pub(crate) fn get_to_know(&mut self, project: &Project) {
        for file in &project.files {
            let path = &file.planned.path;
            if let Entry::Vacant(new) = self.known.entry(path.clone()) {
                // What can't be read can't be replaced either, which is told when it comes to that.
                let held = look(&self.folder, path).unwrap_or(Held::Nothing);
                new.insert(Known::new(held));
            }
        }
    }

    /// Writes what is new in the project, and finds what a person has written since the last look; that is never
    /// written over before the project knows of it.
    pub(crate) fn keep_in_step(&mut self, project: &Project) -> Step {
        let mut step = Step::default();
        for file in &project.files {
            let path = &file.planned.path;
            let there = match look(&self.folder, path) {
                Ok(there) => there,
                Err(reason) => {
                    self.fail(file, reason, &mut step);
                    continue;
                }
            };
            let Some(known) = self.known.get_mut(path) else {
                continue;
            };
            match there {
                // Who deletes a file gets it back with its next text.
                Held::Nothing => {}
                there if there == known.held => {
                    // It may be readable again, as it was.
                    if matches!(&there, Held::Text(text) if file.text() == Some(text)) {
                        self.unwritten.remove(path);
                    }
                }
                Held::Other => {
                    self.fail(file, Unwritten::NoText, &mut step);
                    continue;
                }
                Held::Text(text) => {
                    let a_moment_later = || {
                        std::thread::sleep(MOMENT);
                        self.folder.read(path).ok()?
                    };
                    let Some(text) = settled(text, a_moment_later) else {
                        continue;
                    };
                    known.held = Held::Text(text.clone());
                    self.unwritten.remove(path);
                    if file.text() != Some(text.as_str()) {
                        step.edits.push((path.clone(), text));
                        continue;
                    }
                }
            }
            self.write(file, &mut step);
        }
        self.unwritten
            .retain(|path, _| project.file(path).is_some());
        step
    }

    fn write(&mut self, file: &File, step: &mut Step) {
        let path = &file.planned.path;
        let (Some(version), Some(known)) = (file.versions.last(), self.known.get_mut(path)) else {
            return;
        };
        let is_held = matches!(&known.held, Held::Text(held) if *held == version.text);
        if is_held || known.refused.as_ref() == Some(&version.text) {
            return;
        }
        match self.folder.write(path, &version.text) {
            Ok(()) => {
                *known = Known::new(Held::Text(version.text.clone()));
                self.unwritten.remove(path);
                step.written.push(Written {
                    path: path.clone(),
                    lines: version.text.lines().count(),
                    bytes: version.text.len(),
                    by: version.by,
                });
            }
            Err(reason) => self.fail(file, reason, step),
        }
    }

    /// Told once for each file; a file without a text lacks nothing yet.
    fn fail(&mut self, file: &File, reason: Unwritten, step: &mut Step) {
        let path = &file.planned.path;
        let Some(text) = file.text() else {
            return;
        };
        if let Some(known) = self.known.get_mut(path) {
            known.refused = Some(text.to_owned());
        }
        if self.unwritten.insert(path.clone(), reason).is_none() {
            step.failed.push(path.clone());
        }
    }
}

fn look(folder: &Folder, path: &FilePath) -> Result<Held, Unwritten> {
    match folder.read(path) {
        Ok(Some(text)) => Ok(Held::Text(text)),
        Ok(None) => Ok(Held::Nothing),
        Err(Unwritten::NoText) => Ok(Held::Other),
        Err(reason) => Err(reason),
    }
}

/// What a person writes, once it has been the same for a moment: many editors empty a file before they write it. None
/// where it is gone again; the next look tells.
fn settled(mut text: String, mut a_moment_later: impl FnMut() -> Option<String>) -> Option<String> {
    for _ in 0..MOST_MOMENTS {
        let again = a_moment_later()?;
        if again == text {
            break;
        }
        text = again;
    }
    Some(text)
}

impl Known {
    fn new(held: Held) -> Self {
        Self {
            held,
            refused: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_just_being_saved_is_read_when_it_is_whole() {
        let saved = |looks: &[Option<&str>]| {
            let mut looks = looks.iter().map(|look| look.map(str::to_owned));
            settled(String::new(), || looks.next().flatten())
        };
        let whole = Some("mine = 1\n");
        assert_eq!(saved(&[Some("mi"), whole, whole]).as_deref(), whole);
        assert_eq!(saved(&[Some("")]).as_deref(), Some(""), "emptied for good");
        assert_eq!(saved(&[Some("mi"), None]), None, "gone again");
        // What never comes to rest is not waited for for ever.
        let (mut times, text) = (0, String::new());
        let last = settled(text, || {
            times += 1;
            Some(times.to_string())
        });
        assert_eq!(last, Some(MOST_MOMENTS.to_string()));
    }
}
