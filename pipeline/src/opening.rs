//! How a file begins, as far as it follows from the files around it: what a model only has to go on with, it can't get
//! wrong. The smallest ones would otherwise forget the other files, or write them once more.

use crate::agent::Agent;
use crate::kind::Kind;
use crate::path::FilePath;
use crate::project::{File, Project};

/// More names than this are no help.
const MOST_NAMES: usize = 12;

/// The first lines of a file that is not written yet; empty where nothing is certain. No opening ends in a space, which
/// belongs to a model's next token.
pub(crate) fn opening(file: &File, project: &Project, writer: &Agent) -> String {
    let path = &file.planned.path;
    let builds_on = |library: &str| writer.prompt.contains(library);
    if path.as_str().ends_with("pyproject.toml") && builds_on("fastapi") {
        return INSTALLED.to_owned();
    }
    if path.extension().as_deref() != Some("py") {
        return String::new();
    }
    let needed: Vec<(&FilePath, &str)> = file
        .planned
        .needs
        .iter()
        .filter_map(|need| Some((need, project.file(need)?.text()?)))
        .collect();
    let stem = path.stem();
    match path.kind() {
        Kind::Test => {
            let app = needed
                .iter()
                .find_map(|(need, text)| Some((module(need)?, fastapi_app(text)?)));
            if let Some((module, app)) = app {
                return tested(&module, app);
            }
        }
        Kind::Data if is_stored(stem) && needed.is_empty() && builds_on("SQLAlchemy") => {
            return STORED.to_owned();
        }
        Kind::Data if stem.starts_with("schema") && builds_on("Pydantic") => {
            return DESCRIBED.to_owned();
        }
        _ => {}
    }
    let mut imports = String::new();
    let mut known = Vec::new();
    for (need, text) in &needed {
        let names = defined(text);
        if let (Some(module), false) = (module(need), names.is_empty()) {
            imports.push_str(&format!("from {module} import {}\n", names.join(", ")));
            known.extend(names);
        }
    }
    if path.kind() == Kind::Entry && builds_on("FastAPI") {
        return started(&imports, &known);
    }
    imports
}

/// Else models forget the tables, or write no route at all.
fn started(imports: &str, known: &[&str]) -> String {
    let tables = if known.contains(&"Base") && known.contains(&"engine") {
        "Base.metadata.create_all(engine)\n"
    } else {
        ""
    };
    format!(
        "from typing import List, Optional\n\nfrom fastapi import FastAPI, HTTPException, status\n{imports}\n{tables}app = FastAPI()\n\n\n@app"
    )
}

/// Else models write Poetry's tables, and their tests don't find the service.
const INSTALLED: &str = "[tool.pytest.ini_options]\npythonpath = [\".\"]\n\n[project]\nname = \"service\"\nversion = \"0.1.0\"\n\
    requires-python = \">=3.11\"\ndependencies = [\n    \"fastapi\",\n    \"uvicorn\",\n";

/// Else each file that stores something makes an engine of its own. The older way to declare is the one that small models
/// know, and some annotate it; none imports the times that it uses. FastAPI answers in several threads: each has its session,
/// under the name that small models use without having made it.
const STORED: &str = "from datetime import date, datetime\n\n\
    from sqlalchemy import Boolean, Column, DateTime, Float, ForeignKey, Integer, String, Text, create_engine\n\
    from sqlalchemy.orm import declarative_base, relationship, scoped_session, sessionmaker\n\n\
    engine = create_engine(\"sqlite:///service.db\", connect_args={\"check_same_thread\": False})\n\
    session = scoped_session(sessionmaker(bind=engine))\n\
    Base = declarative_base()\nBase.__allow_unmapped__ = True\nBase.query = session.query_property()\n\n\nclass";

/// Else models use what they have not imported.
const DESCRIBED: &str = "from datetime import date, datetime\nfrom typing import List, Optional\n\n\
    from pydantic import BaseModel\n\n\nclass";

fn tested(module: &str, app: &str) -> String {
    format!(
        "from fastapi.testclient import TestClient\n\nfrom {module} import {app}\n\nclient = TestClient({app})\n\n\ndef test_"
    )
}

fn is_stored(stem: &str) -> bool {
    matches!(stem, "models" | "model" | "database" | "db")
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
                Some(rest) => rest.split(['(', ':', '[']).next()?.trim(),
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
        opened_by(Role::Coder, path, texts)
    }

    fn opened_by(role: Role, path: &str, texts: &[(&str, &str)]) -> String {
        let project = project(texts);
        let file = project.file(&FilePath::parse(path).unwrap()).unwrap();
        opening(file, &project, &Team::default().agent(role))
    }

    const MODELS: &str = "from x import y\n\nengine = create_engine('')\n_hidden = 1\nBase: type = object\n\nclass Item(Base):\n    \
        id = 1\n\ndef session():\n    inner = 1\n    pass\n";

    #[test]
    fn a_module_begins_with_what_it_needs_of_others() {
        let files = [("app/models.py", MODELS), ("app/main.py", "")];
        assert_eq!(
            opened("app/main.py", &files),
            "from typing import List, Optional\n\nfrom fastapi import FastAPI, HTTPException, status\nfrom app.models import Base, Item, engine, session\n\n\
             Base.metadata.create_all(engine)\napp = FastAPI()\n\n\n@app"
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
            ("pages.py", ("my-models.py", MODELS)),
            ("pages.py", ("models.py", "print(1)\n")),
            ("pages.py", ("models.py", "")),
        ] {
            assert_eq!(
                opened(path, &[other, (path, "")]),
                "",
                "{path} beside {other:?}"
            );
        }
    }
    #[test]
    fn what_a_service_is_built_on_is_certain() {
        let of = |path| opened_by(Role::Data, path, &[(path, "")]);
        assert!(of("pyproject.toml").contains("[project]\n"));
        assert!(of("app/models.py").contains("Base = declarative_base()"));
        assert!(of("schemas.py").contains("from pydantic"));
        assert_eq!(of("settings.yaml"), "");
    }
}
