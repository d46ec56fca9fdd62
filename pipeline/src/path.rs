//! Paths of a project's files: relative, plain, the same on every system.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest path that a plan may name, in bytes.
const LONGEST: usize = 120;

/// A file's place in a project: segments of letters, digits, `.`, `_` and `-` joined by `/`. It can't lead out of the
/// project, nor clash with names that some system keeps to itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePath(String);

/// Why something is no path of a project.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PathProblem {
    #[error("there is no path")]
    Empty,
    #[error("the path has more than {LONGEST} characters")]
    TooLong,
    #[error("the path must be relative and stay inside the project")]
    Outside,
    #[error("a path has only letters, digits, `.`, `_`, `-` and `/`")]
    Character,
    #[error("`{0}` names a folder or nothing")]
    NoFile(String),
}

/// Names that Windows keeps for devices, with any ending; `com0` to `com9` and `lpt0` to `lpt9` are others.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

impl FilePath {
    /// # Errors
    /// The text is no path of a project.
    pub fn parse(text: &str) -> Result<Self, PathProblem> {
        let text = text.trim().trim_start_matches("./");
        if text.is_empty() {
            return Err(PathProblem::Empty);
        }
        if text.len() > LONGEST {
            return Err(PathProblem::TooLong);
        }
        if text.starts_with('/') || text.contains('\\') || text.contains(':') {
            return Err(PathProblem::Outside);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if !text.chars().all(plain) {
            return Err(PathProblem::Character);
        }
        for segment in text.split('/') {
            if segment == ".." || segment == "." {
                return Err(PathProblem::Outside);
            }
            let stem = segment.split('.').next().unwrap_or_default();
            let name = stem.to_ascii_lowercase();
            let port = name
                .strip_prefix("com")
                .or_else(|| name.strip_prefix("lpt"));
            let is_port =
                port.is_some_and(|port| port.len() == 1 && port.as_bytes()[0].is_ascii_digit());
            let is_device = is_port || DEVICES.contains(&name.as_str());
            if segment.is_empty() || segment.ends_with('.') || is_device {
                return Err(PathProblem::NoFile(text.to_owned()));
            }
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether some system can't hold both: they differ in case only, or one is the other's folder.
    pub(crate) fn clashes_with(&self, other: &Self) -> bool {
        let [a, b] = [self, other].map(|path| path.0.to_ascii_lowercase());
        let is_in = |file: &str, folder: &str| {
            file.strip_prefix(folder)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        is_in(&a, &b) || is_in(&b, &a)
    }

    /// Whether a plan or a review means this file: by its path, its name, or as Python's module.
    pub(crate) fn is_called(&self, other: &Self) -> bool {
        let ends_with = |name: &str| {
            self.0 == name
                || self
                    .0
                    .strip_suffix(name)
                    .is_some_and(|folders| folders.ends_with('/'))
        };
        ends_with(&other.0) || ends_with(&format!("{}.py", other.0.replace('.', "/")))
    }

    /// The name up to its first dot.
    pub(crate) fn stem(&self) -> &str {
        let name = self.0.rsplit('/').next().unwrap_or_default();
        name.split('.').next().unwrap_or_default()
    }

    /// What follows the last dot of the name, in lower case.
    pub fn extension(&self) -> Option<String> {
        let name = self.0.rsplit('/').next()?;
        let (stem, extension) = name.rsplit_once('.')?;
        (!stem.is_empty()).then(|| extension.to_ascii_lowercase())
    }

    /// Markdown's name for the file's language, as code models know it.
    pub fn language(&self) -> &'static str {
        match self.extension().as_deref() {
            Some("py") => "python",
            Some("toml") => "toml",
            Some("md") => "markdown",
            Some("yml" | "yaml") => "yaml",
            Some("json") => "json",
            Some("html") => "html",
            Some("css") => "css",
            Some("js" | "mjs") => "javascript",
            Some("ts") => "typescript",
            Some("sql") => "sql",
            Some("sh") => "bash",
            Some("rs") => "rust",
            _ if self.0.ends_with("Dockerfile") => "dockerfile",
            _ => "text",
        }
    }

    /// Whether the file is a test by pytest's rules.
    pub fn is_test(&self) -> bool {
        let name = self.0.rsplit('/').next().unwrap_or_default();
        self.extension().as_deref() == Some("py")
            && (name.starts_with("test_")
                || name.ends_with("_test.py")
                || matches!(name, "test.py" | "tests.py"))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for FilePath {
    type Error = PathProblem;

    fn try_from(text: String) -> Result<Self, PathProblem> {
        Self::parse(&text)
    }
}

impl From<FilePath> for String {
    fn from(path: FilePath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_inside_its_project() {
        for good in [
            "main.py",
            "app/models.py",
            "./app/main.py",
            ".env.example",
            "Dockerfile",
            "a-b/c_d.txt",
        ] {
            assert!(FilePath::parse(good).is_ok(), "{good}");
        }
        for (bad, problem) in [
            ("", PathProblem::Empty),
            ("/etc/passwd", PathProblem::Outside),
            ("../x.py", PathProblem::Outside),
            ("a/../../x", PathProblem::Outside),
            ("C:/x.py", PathProblem::Outside),
            ("a\\b.py", PathProblem::Outside),
            ("my file.py", PathProblem::Character),
            ("ä.py", PathProblem::Character),
            ("app/", PathProblem::NoFile("app/".into())),
            ("a//b", PathProblem::NoFile("a//b".into())),
            ("com1.py", PathProblem::NoFile("com1.py".into())),
            ("nul.txt", PathProblem::NoFile("nul.txt".into())),
            (&"x".repeat(200), PathProblem::TooLong),
        ] {
            assert_eq!(FilePath::parse(bad), Err(problem), "{bad}");
        }
    }

    #[test]
    fn a_file_s_language_is_told_by_its_ending() {
        let language = |path: &str| FilePath::parse(path).unwrap().language();
        assert_eq!(language("app/main.py"), "python");
        assert_eq!(language("pyproject.toml"), "toml");
        assert_eq!(language("Dockerfile"), "dockerfile");
        assert_eq!(language(".gitignore"), "text");
    }
}
