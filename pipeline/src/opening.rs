//! How a file begins, as far as it follows from the files around it: what a model only has to go on with, it can't get
//! wrong. The smallest ones would otherwise forget the other files, or write them once more.

use crate::agent::Agent;
use crate::kind::Kind;
use crate::path::FilePath;
use crate::project::{File, Project};

/// More names than this are no help.
const MOST_NAMES: usize = 12;

/// The first lines of a file that is not written yet; empty where nothing is certain.
pub(crate) fn opening(file: &File, project: &Project, writer: &Agent) -> String {
    let path = &file.planned.path;
    if path.as_str().ends_with("pyproject.toml") {
        // Else models write the tables of Poetry.
        return "[project]\nname = \"".to_owned();
    }
    if path.extension().as_deref() != Some("py") {
        return String::new();
    }
    let needed = file.planned.needs.iter().filter_map(|need| {
        let file = project.file(need)?;
        Some((need, file.text()?))
    });
    if path.kind() == Kind::Test
        && let Some((app, module)) = needed
            .clone()
            .find_map(|(need, text)| Some((fastapi_app(text)?, module(need)?)))
    {
        return format!(
            "from fastapi.testclient import TestClient\n\nfrom {module} import {app}\n\n\
             client = TestClient({app})\n\n\ndef test_"
        );
    }
    let mut lines = String::new();
    if path.kind() == Kind::Entry && writer.prompt.contains("FastAPI") {
        lines.push_str("from fastapi import FastAPI, HTTPException\n");
    }
    for (need, text) in needed {
        let names = defined(text);
        if let (Some(module), false) = (module(need), names.is_empty()) {
            lines.push_str(&format!("from {module} import {}\n", names.join(", ")));
        }
    }
    lines
}

/// A path as Python imports it; none where its name is no identifier.
fn module(path: &FilePath) -> Option<String> {
    let name = path.as_str().strip_suffix(".py")?;
    let is_plain = name.split('/').all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && !part.contains(['-', '.'])
    });
    is_plain.then(|| name.replace('/', "."))
}

/// The name of a module's FastAPI application.
fn fastapi_app(text: &str) -> Option<&str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        let is_app = value.trim_start().starts_with("FastAPI(") && is_name(name.trim());
        is_app.then(|| name.trim())
    })
}

/// What a module of Python defines for others, in alphabetical order.
fn defined(text: &str) -> Vec<&str> {
    let mut names: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            let after = ["class ", "def ", "async def "]
                .iter()
                .find_map(|word| line.strip_prefix(word));
            let name = match after {
                Some(rest) => rest.split(['(', ':', '[']).next()?,
                None => line.split_once(" = ")?.0.split(':').next()?,
            };
            is_name(name).then_some(name)
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(MOST_NAMES);
    names
}

/// A name that a module does not keep to itself.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Role, Team};
    use crate::plan;
    use crate::project::Version;

    fn project(texts: &[(&str, &str)]) -> Project {
        let rows: Vec<String> = texts
            .iter()
            .map(|(path, _)| format!("{path} | x |"))
            .collect();
        let mut project = Project::new("x");
        let files = plan::parse(&rows.join("\n"), 9).unwrap();
        project.files = files.into_iter().map(File::new).collect();
        for file in &mut project.files {
            let path = file.planned.path.as_str();
            let text = texts.iter().find(|(other, _)| *other == path).unwrap().1;
            if !text.is_empty() {
                file.versions.push(Version {
                    text: text.to_owned(),
                    by: None,
                    round: 0,
                });
            }
        }
        project
    }

    fn opened(path: &str, texts: &[(&str, &str)]) -> String {
        let project = project(texts);
        let file = project.file(&FilePath::parse(path).unwrap()).unwrap();
        opening(file, &project, &Team::default().agent(Role::Coder))
    }

    const MODELS: &str = "from x import y\n\nengine = create_engine('')\n_hidden = 1\nBase: type = object\n\nclass Item(Base):\n    \
        id = 1\n\ndef session():\n    inner = 1\n    pass\n";

    #[test]
    fn a_module_begins_with_what_it_needs_of_others() {
        let files = [("app/models.py", MODELS), ("app/main.py", "")];
        assert_eq!(
            opened("app/main.py", &files),
            "from fastapi import FastAPI, HTTPException\nfrom app.models import Base, Item, engine, session\n"
        );
    }

    #[test]
    fn a_test_begins_with_a_client_of_the_service() {
        let files = [
            ("main.py", "app = FastAPI(title='x')\n"),
            ("test_app.py", ""),
        ];
        assert!(opened("test_app.py", &files).starts_with(
            "from fastapi.testclient import TestClient\n\nfrom main import app\n\nclient = TestClient(app)\n"
        ));
        let without_service = [("main.py", "def run():\n    pass\n"), ("test_app.py", "")];
        assert_eq!(
            opened("test_app.py", &without_service),
            "from main import run\n"
        );
    }

    #[test]
    fn what_is_not_certain_is_left_to_the_model() {
        for (path, other) in [
            ("styles.css", ("models.py", MODELS)),
            ("schemas.py", ("my-models.py", MODELS)),
            ("schemas.py", ("models.py", "print(1)\n")),
            ("schemas.py", ("models.py", "")),
        ] {
            assert_eq!(
                opened(path, &[other, (path, "")]),
                "",
                "{path} beside {other:?}"
            );
        }
        assert_eq!(
            opened("pyproject.toml", &[("pyproject.toml", "")]),
            "[project]\nname = \""
        );
    }
}
