//! A model that answers the team's questions as a test wants.

use serde_json::Value;

use super::{FakeHub, whole};

pub(crate) const PLAN: &str = " app/db.py | the database | |\n| app/main.py | the routes | app/db.py |\n| pyproject.toml | the package | |";

/// What a question is about, from how its answer is begun.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asked {
    Plan,
    File(String),
    Review,
    Risks,
}

pub(crate) fn asked(request: &Value) -> Asked {
    let messages = request["messages"].as_array().unwrap();
    let user = messages[messages.len() - 2]["content"].as_str().unwrap();
    let is_about = |words: &str| user.contains(words);
    if is_about("List the project's files") {
        Asked::Plan
    } else if is_about("Review these files") {
        Asked::Review
    } else if is_about("Sum up the risks") {
        Asked::Risks
    } else {
        let task = user.rsplit("```").next().unwrap();
        let files = [
            "pyproject.toml",
            "tests/test_app.py",
            "app/main.py",
            "app/db.py",
            "README.md",
        ];
        // The question ends with the file that is to be written.
        let last = files
            .iter()
            .filter_map(|file| Some((task.rfind(file)?, file)));
        Asked::File(
            last.max()
                .map(|(_, file)| (*file).to_owned())
                .unwrap_or_default(),
        )
    }
}

pub(crate) fn good(asked: &Asked) -> String {
    match asked {
        Asked::Plan => PLAN.to_owned(),
        Asked::File(path) => format!("# {path} by the model\nx = 1\n"),
        Asked::Review => "LGTM".to_owned(),
        Asked::Risks => " No authentication.".to_owned(),
    }
}

pub(crate) fn good_hub() -> FakeHub {
    FakeHub::start(|request| whole(&good(&asked(request))))
}

pub(crate) const FILES: [&str; 4] = [
    "app/db.py",
    "app/main.py",
    "pyproject.toml",
    "tests/test_app.py",
];
