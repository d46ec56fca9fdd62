//! What a team is told, and what it wants done.

use serde::{Deserialize, Serialize};

use crate::path::FilePath;
use crate::request::Request;

/// What happens to a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Event {
    /// Begin, or go on from wherever the project is.
    Start,
    /// The person stops the team.
    Stop,
    /// A request's whole answer, without its prefill.
    Answer {
        id: u64,
        text: String,
        finish: Finish,
    },
    /// A request came to nothing.
    Lost {
        id: u64,
        message: String,
        may_retry: bool,
    },
    /// The person writes a file. An answer that was to be its text is not waited for any more.
    Edit { path: FilePath, text: String },
    /// The person wants a file written anew.
    Regenerate { path: FilePath, instruction: String },
    /// The person goes back to an older text of a file; it becomes the newest.
    Revert { path: FilePath, version: usize },
    /// The person takes a file out of the project. Without any file left it is to be planned again.
    Remove { path: FilePath },
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    Stop,
    /// It was cut off: by its most tokens, or by the window.
    Length,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Effect {
    Ask {
        request: Box<Request>,
    },
    /// Nobody waits for this answer any more.
    Withdraw {
        id: u64,
    },
    /// The project has changed in a way that must not be lost.
    Save,
}
