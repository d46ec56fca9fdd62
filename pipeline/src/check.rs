//! Whether a project that came from outside, from a file or an older page, can be worked on.

use thiserror::Error;

use crate::path::FilePath;
use crate::project::Project;

/// The most files that a project may have, whatever its plan allows.
const MOST_FILES: usize = 64;

/// Why the team can't work on a project.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProjectProblem {
    #[error("the project has more than {MOST_FILES} files")]
    TooManyFiles,
    #[error("{0} and {1} can't both be files")]
    Clash(FilePath, FilePath),
    #[error("{path} needs {need}, which is no file before it")]
    Need { path: FilePath, need: FilePath },
}

impl Project {
    /// # Errors
    /// The project breaks a rule that every plan keeps to, and which the team relies on: no system would take its files, or
    /// they would wait for each other for ever.
    pub fn check(&self) -> Result<(), ProjectProblem> {
        if self.files.len() > MOST_FILES {
            return Err(ProjectProblem::TooManyFiles);
        }
        for (index, file) in self.files.iter().enumerate() {
            let path = &file.planned.path;
            let before = &self.files[..index];
            for other in before.iter().map(|file| &file.planned.path) {
                if other.clashes_with(path) {
                    return Err(ProjectProblem::Clash(other.clone(), path.clone()));
                }
            }
            for need in &file.planned.needs {
                if !before.iter().any(|file| file.planned.path == *need) {
                    return Err(ProjectProblem::Need {
                        path: path.clone(),
                        need: need.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PlannedFile;
    use crate::project::File;

    fn project(files: &[(&str, &[&str])]) -> Project {
        let path = |text: &&str| FilePath::parse(text).unwrap();
        let mut project = Project::new("x");
        for (file, needs) in files {
            project.files.push(File::new(PlannedFile {
                path: path(file),
                purpose: String::new(),
                needs: needs.iter().map(path).collect(),
            }));
        }
        project
    }

    #[test]
    fn what_the_team_could_not_finish_is_no_project() {
        assert_eq!(
            project(&[("a.py", &[]), ("b.py", &["a.py"])]).check(),
            Ok(())
        );
        for bad in [
            project(&[("a.py", &[]), ("A.py", &[])]),
            project(&[("a", &[]), ("a/b.py", &[])]),
            project(&[("a.py", &["b.py"]), ("b.py", &["a.py"])]),
            project(&[("a.py", &["a.py"])]),
            project(&[("a.py", &["gone.py"])]),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
        let names: Vec<String> = (0..65).map(|n| format!("f{n}.py")).collect();
        let files: Vec<(&str, &[&str])> =
            names.iter().map(|name| (name.as_str(), &[][..])).collect();
        assert_eq!(project(&files).check(), Err(ProjectProblem::TooManyFiles));
    }
}
