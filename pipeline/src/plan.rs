//! The manager's plan: which files, what each is for, and what each is built on.
//!
//! A plan is a Markdown table that the request has begun, `| path | purpose | imports |`, since the smallest models keep to a
//! table that they only have to go on with, and to nothing else. What they add (bullets, backticks, rows that come
//! again, rows without end) is put up with; what would break the project is left out.

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

/// How the manager's answer is begun.
pub(crate) const PREFILL: &str = "| path | purpose | imports |\n|---|---|---|\n|";

/// Why an answer is no plan. The texts are written for the model that is asked again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanProblem {
    #[error("No row has the form: | path | purpose | imports |")]
    NoFiles,
    #[error("The path {text:?} can not be used: {problem}.")]
    Path { text: String, problem: PathProblem },
}

/// Reads a plan: its first files that can be used, as many as are allowed, in the order in which they are to be written.
///
/// # Errors
/// No row of the answer names a file that can be used.
pub(crate) fn parse(answer: &str, most_files: usize) -> Result<Vec<PlannedFile>, PlanProblem> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut problem = PlanProblem::NoFiles;
    for line in answer.lines() {
        match row(line) {
            Some(Ok(row)) if rows.iter().any(|other| other.path.clashes_with(&row.path)) => {}
            Some(Ok(row)) if !is_worth_writing(&row.path) => {}
            Some(Ok(row)) => rows.push(row),
            Some(Err(first)) if problem == PlanProblem::NoFiles => problem = first,
            _ => {}
        }
        if rows.len() == most_files {
            break;
        }
    }
    if rows.is_empty() {
        return Err(problem);
    }
    Ok(arrange(rows))
}

struct Row<'a> {
    path: FilePath,
    purpose: &'a str,
    imports: &'a str,
}

/// Models plan folders as if they were files, and modules that have nothing in them.
fn is_worth_writing(path: &FilePath) -> bool {
    const WITHOUT_EXTENSION: [&str; 4] = ["Dockerfile", "Makefile", "Procfile", "LICENSE"];
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let is_file = name.contains('.') || WITHOUT_EXTENSION.contains(&name);
    is_file && name != "__init__.py"
}

/// None where the line is no row, or the table's head.
fn row(line: &str) -> Option<Result<Row<'_>, PlanProblem>> {
    let (name, rest) = bare(line).split_once('|')?;
    let name = name.trim().trim_matches('`');
    if name.is_empty() || is_heading(name) {
        return None;
    }
    let (purpose, imports) = rest.split_once('|').unwrap_or((rest, ""));
    Some(match FilePath::parse(&without_umlauts(name)) {
        Ok(path) => Ok(Row {
            path,
            purpose: purpose.trim(),
            imports,
        }),
        Err(problem) => Err(PlanProblem::Path {
            text: name.to_owned(),
            problem,
        }),
    })
}

/// A person's language gets into the names of files.
fn without_umlauts(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'ä' | 'å' => 'a',
            'ö' => 'o',
            'Ä' | 'Å' => 'A',
            'Ö' => 'O',
            other => other,
        })
        .collect()
}

/// Brings files into an order in which each comes after those that it is built on, as far as the plan tells; where a
/// row names no other file, its kind decides. Models name libraries among the imports, or nothing.
fn arrange(rows: Vec<Row<'_>>) -> Vec<PlannedFile> {
    let mut rows = rows;
    rows.sort_by_key(|row| row.path.kind());
    let mut files: Vec<PlannedFile> = Vec::new();
    for row in rows {
        let named = row.imports.split([',', ' ', '|']).filter_map(|need| {
            FilePath::parse(&without_umlauts(need.trim_matches(['`', '.']))).ok()
        });
        let mut needs: Vec<FilePath> = named
            .filter_map(|need| files.iter().find(|file| file.path.is_called(&need)))
            .map(|file| file.path.clone())
            .collect();
        if needs.is_empty() {
            let kind = row.path.kind();
            let earlier = files.iter().filter(|file| kind.builds_on(file.path.kind()));
            needs = earlier.map(|file| file.path.clone()).collect();
        }
        needs.dedup();
        files.push(PlannedFile {
            path: row.path,
            purpose: row.purpose.to_owned(),
            needs,
        });
    }
    files
}

/// What a project of Python is not whole without, where the manager forgot it: what installs it, and a test of everything.
pub(crate) fn complete(files: &mut Vec<PlannedFile>) {
    let is_python = |file: &&PlannedFile| file.path.extension().as_deref() == Some("py");
    let code: Vec<FilePath> = files
        .iter()
        .filter(is_python)
        .map(|file| file.path.clone())
        .collect();
    if code.is_empty() {
        return;
    }
    let file = |path: &str, purpose: &str, needs: Vec<FilePath>| {
        FilePath::parse(path).map(|path| PlannedFile {
            path,
            purpose: purpose.to_owned(),
            needs,
        })
    };
    let has_name = |name: &str| files.iter().any(|file| file.path.as_str().ends_with(name));
    let installs = ["pyproject.toml", "requirements.txt", "setup.py"].map(has_name);
    let is_tested = files.iter().any(|file| file.path.is_test());
    if !installs.contains(&true) {
        let purpose = "name, version, Python version and dependencies by PEP 621";
        files.splice(0..0, file("pyproject.toml", purpose, Vec::new()));
    }
    if !is_tested {
        files.extend(file(
            "tests/test_app.py",
            "tests of the whole service",
            code,
        ));
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

    fn plan(answer: &str) -> Vec<(String, Vec<String>)> {
        let plan = parse(answer, 8).unwrap().into_iter();
        plan.map(|file| {
            (
                file.path.into(),
                file.needs.into_iter().map(String::from).collect(),
            )
        })
        .collect()
    }

    fn paths(answer: &str) -> Vec<String> {
        plan(answer).into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn rows_are_read_however_a_model_dresses_them() {
        for answer in [
            "app/db.py | the database |\napp/main.py | the routes | app/db.py",
            "1. app/db.py | the database | none\n2. app/main.py | the routes | app/db.py\n",
            "- `app/db.py` | the database | -\n- `app/main.py` | the routes | `app/db.py`",
            "| Path | Purpose | Needs |\n|---|---|---|\n| app/db.py | the database | |\n| app/main.py | the routes | app/db.py |",
            "Here is the plan:\n\napp/db.py | the database |\napp/main.py | the routes | app/db.py, fastapi\n\nThat is all.",
            " app/db.py | the database | FastAPI |\n| app/main.py | the routes | app/db.py |\n| app/db.py | again | |",
        ] {
            let files = parse(answer, 8).unwrap();
            let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
            assert_eq!(names, ["app/db.py", "app/main.py"], "{answer}");
            assert_eq!(files[1].purpose, "the routes");
            assert_eq!(files[1].needs, [files[0].path.clone()], "{answer}");
        }
    }

    /// What Qwen2.5-Coder 0.5B planned for a service of recipes.
    #[test]
    fn without_a_word_on_imports_files_build_on_what_files_of_their_kind_do() {
        let answer = " recipes.py | Create, List, Get, Update and Delete a Recipe | uv |\n\
            | main.py | Set up the application and routes | uv |\n\
            | models.py | Define the database schema for Recipes | uv |\n\
            | schemas.py | Define the data types used in the API | uv |\n\
            | tests.py | Test cases for the service | uv |\n\
            | pyproject.toml | List of dependencies required by the project | uv |";
        let of = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            plan(answer),
            [
                ("pyproject.toml".to_owned(), of(&[])),
                ("models.py".to_owned(), of(&[])),
                ("schemas.py".to_owned(), of(&["models.py"])),
                ("recipes.py".to_owned(), of(&["models.py", "schemas.py"])),
                (
                    "main.py".to_owned(),
                    of(&["models.py", "schemas.py", "recipes.py"])
                ),
                (
                    "tests.py".to_owned(),
                    of(&["models.py", "schemas.py", "recipes.py", "main.py"])
                ),
            ]
        );
    }

    #[test]
    fn a_need_is_found_by_its_name_alone_and_as_a_module() {
        let answer =
            "app/models.py | x | -\napp/routes.py | y | models.py\napp/pages.py | z | app.models";
        for (_, needs) in &plan(answer)[1..] {
            assert_eq!(needs, &["app/models.py"]);
        }
    }

    #[test]
    fn a_file_needs_only_what_comes_before_it() {
        let plan = parse("a.py | x | b.py, a.py, fastapi\nb.py | y | a.py", 8).unwrap();
        assert!(plan[0].needs.is_empty());
        assert_eq!(plan[1].needs, [plan[0].path.clone()]);
    }

    #[test]
    fn what_can_not_be_used_is_left_out() {
        for rest in [
            "../x | y |",
            "a b.py | y |",
            "app.py | again |",
            "App.py | the same on some systems |",
            "app.py/b.py | a file is no folder |",
            "main.py | one too many |",
            "tests | a folder |",
            "app/__init__.py | nothing |",
        ] {
            assert_eq!(
                paths(&format!("app.py | x |\nb.py | x |\n{rest}"))[..2].len(),
                2
            );
            let two = parse(&format!("app.py | x |\n{rest}\nb.py | x |"), 2).unwrap();
            assert!(
                two.iter().all(|file| !file.path.as_str().contains("..")),
                "{rest}"
            );
        }
        assert_eq!(
            paths("app.py | x |\napp.py | again |\n../x | y |\nöljy.py | z |"),
            ["oljy.py", "app.py"]
        );
    }

    #[test]
    fn what_python_needs_is_added_where_it_was_forgotten() {
        let completed = |answer: &str| {
            let mut files = parse(answer, 8).unwrap();
            complete(&mut files);
            files
                .into_iter()
                .map(|file| file.path.into())
                .collect::<Vec<String>>()
        };
        assert_eq!(
            completed("main.py | x |"),
            ["pyproject.toml", "main.py", "tests/test_app.py"]
        );
        for whole in [
            "pyproject.toml | |\nmain.py | |\ntests.py | |",
            "index.html | |",
        ] {
            assert_eq!(completed(whole), paths(whole));
        }
    }

    #[test]
    fn what_is_no_plan_says_why() {
        let problem = |answer: &str| parse(answer, 2).unwrap_err().to_string();
        assert_eq!(problem("I can't."), PlanProblem::NoFiles.to_string());
        assert!(problem("../x | y |").contains("stay inside"));
        assert!(problem("a b.py | y |").contains("a b.py"));
    }
}
