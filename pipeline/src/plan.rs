//! The manager's plan: which files, what each is for, and what each is built on.
//!
//! A plan is a line for each file, `path | purpose | paths it needs`, since small models keep to lines better than to
//! JSON. What models add to lines, bullets, numbers, backticks, is put up with; what would break the project is not.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::path::{FilePath, PathProblem};

/// A planned file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFile {
    pub path: FilePath,
    pub purpose: String,
    /// Files before it in the plan that it is built on.
    pub needs: Vec<FilePath>,
}

/// Why an answer is no plan. The texts are written for the model that is asked again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanProblem {
    #[error("No line has the form: path | purpose | paths it needs.")]
    NoFiles,
    #[error("There are {found} files; at most {most} are allowed.")]
    TooManyFiles { found: usize, most: usize },
    #[error("The path {text:?} can not be used: {problem}.")]
    Path { text: String, problem: PathProblem },
    #[error("{0} and {1} can not both be files.")]
    Clash(FilePath, FilePath),
}

/// Reads a plan. A need that is not an earlier file of the plan is left out: models name libraries there.
///
/// # Errors
/// The answer is no plan that could be worked on.
pub(crate) fn parse(answer: &str, most_files: usize) -> Result<Vec<PlannedFile>, PlanProblem> {
    let mut files: Vec<PlannedFile> = Vec::new();
    for line in answer.lines() {
        let Some((path, rest)) = bare(line).split_once('|') else {
            continue;
        };
        let path = path.trim().trim_matches('`');
        if path.is_empty() || is_heading(path) {
            continue;
        }
        let path = FilePath::parse(path).map_err(|problem| PlanProblem::Path {
            text: path.to_owned(),
            problem,
        })?;
        if let Some(other) = files.iter().find(|file| file.path.clashes_with(&path)) {
            return Err(PlanProblem::Clash(other.path.clone(), path));
        }
        let (purpose, needs) = rest.split_once('|').unwrap_or((rest, ""));
        let needs = needs
            .split([',', ' ', '|'])
            .filter_map(|need| FilePath::parse(need.trim_matches(['`', '.', ' '])).ok())
            .filter(|need| files.iter().any(|file| file.path == *need));
        let needs = needs.collect();
        files.push(PlannedFile {
            path,
            purpose: purpose.trim().to_owned(),
            needs,
        });
    }
    if files.is_empty() {
        return Err(PlanProblem::NoFiles);
    }
    if files.len() > most_files {
        return Err(PlanProblem::TooManyFiles {
            found: files.len(),
            most: most_files,
        });
    }
    Ok(files)
}

/// A project of Python without a test gets one, of everything before it.
pub(crate) fn add_tests(files: &mut Vec<PlannedFile>) {
    let is_python = |file: &&PlannedFile| file.path.extension().as_deref() == Some("py");
    let needs: Vec<FilePath> = files
        .iter()
        .filter(is_python)
        .map(|file| file.path.clone())
        .collect();
    if needs.is_empty() || files.iter().any(|file| file.path.is_test()) {
        return;
    }
    if let Ok(path) = FilePath::parse("tests/test_app.py") {
        let purpose = "tests of the whole service with TestClient".to_owned();
        files.push(PlannedFile {
            path,
            purpose,
            needs,
        });
    }
}

/// A line without what Markdown puts before and around it.
fn bare(line: &str) -> &str {
    let line = line.trim().trim_matches('|').trim();
    let line = line.trim_start_matches(['-', '*', '•']).trim_start();
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    match digits.strip_prefix(['.', ')']) {
        Some(rest) if digits.len() < line.len() => rest.trim_start(),
        _ => line,
    }
}

/// The first two lines of a Markdown table.
fn is_heading(path: &str) -> bool {
    path.eq_ignore_ascii_case("path")
        || path.eq_ignore_ascii_case("file")
        || (!path.is_empty() && path.chars().all(|c| "-: ".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(answer: &str) -> Vec<String> {
        let plan = parse(answer, 8).unwrap();
        plan.into_iter().map(|file| file.path.into()).collect()
    }

    #[test]
    fn lines_are_read_however_a_model_dresses_them() {
        for answer in [
            "app/db.py | the database |\napp/main.py | the routes | app/db.py",
            "1. app/db.py | the database | none\n2. app/main.py | the routes | app/db.py\n",
            "- `app/db.py` | the database | -\n- `app/main.py` | the routes | `app/db.py`",
            "| Path | Purpose | Needs |\n|---|---|---|\n| app/db.py | the database | |\n| app/main.py | the routes | app/db.py |",
            "Here is the plan:\n\napp/db.py | the database |\napp/main.py | the routes | app/db.py, fastapi\n\nThat is all.",
        ] {
            assert_eq!(paths(answer), ["app/db.py", "app/main.py"], "{answer}");
            let plan = parse(answer, 8).unwrap();
            assert_eq!(plan[1].purpose, "the routes");
            assert_eq!(plan[1].needs, [plan[0].path.clone()], "{answer}");
        }
    }

    #[test]
    fn a_file_needs_only_what_comes_before_it() {
        let plan = parse("a.py | x | b.py, a.py, fastapi\nb.py | y | a.py", 8).unwrap();
        assert!(plan[0].needs.is_empty());
        assert_eq!(plan[1].needs, [plan[0].path.clone()]);
    }

    #[test]
    fn what_is_no_plan_says_why() {
        let problem = |answer: &str| parse(answer, 2).unwrap_err().to_string();
        assert_eq!(problem("I can't."), PlanProblem::NoFiles.to_string());
        assert!(problem("../x | y |").contains("stay inside"));
        assert!(problem("a b.py | y |").contains("a b.py"));
        for clash in [
            "a.py | y |\na.py | z |",
            "a.py | y |\nA.py | z |",
            "a | y |\na/b.py | z |",
            "a/b.py | y |\na | z |",
        ] {
            assert!(problem(clash).contains("can not both"), "{clash}");
        }
        assert!(problem("a.py | |\nb.py | |\nc.py | |").contains("at most 2"));
    }
}
