//! A project as it is saved: everything that the team's work needs to go on from here.

use serde::{Deserialize, Serialize};

use crate::agent::Role;
use crate::context::Share;
use crate::path::FilePath;
use crate::plan::PlannedFile;
use crate::review::Issue;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Project {
    pub idea: String,
    pub stage: Stage,
    pub run: Run,
    pub files: Vec<File>,
    /// What the last review found and nobody has mended yet.
    pub issues: Vec<Issue>,
    /// What reviews found before: an issue that comes back is not mended again.
    pub past_issues: Vec<Issue>,
    /// Reviews whose issues were mended.
    pub rounds: u32,
    /// The observer's summary.
    pub risks: Option<String>,
    /// What the person should know, oldest first.
    pub notices: Vec<Notice>,
    /// Answers to the stage's question that were of no use.
    pub attempts: u32,
}

/// What the team is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Planning,
    Writing,
    Reviewing,
    Mending,
    Summing,
    Done,
}

/// Whether it is at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Run {
    Running,
    /// By the person.
    Stopped,
    Failed {
        reason: Failure,
    },
    Finished,
}

/// Why the team can't go on by itself. Starting again tries once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Failure {
    /// The manager's answers are no plans; the last one's problem.
    Plan { problem: String },
    /// A file did not come out in several attempts.
    File {
        path: FilePath,
        problem: FileProblem,
    },
    /// What must be said does not fit the model's window.
    Window { needed: usize, window: usize },
    /// Nobody answers; the hub's own words.
    Nobody { message: String },
}

/// Why an answer is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileProblem {
    Empty,
    /// It says the same again and again.
    Repeats,
    /// It goes on past the window, or past as many continuations as are allowed.
    TooLong,
    /// Most of what the file had is gone.
    Shrunk,
}

/// Something that went another way than planned, and what was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Notice {
    /// A request could not show all of its context.
    Shortened {
        path: Option<FilePath>,
        shares: Vec<(FilePath, Share)>,
    },
    /// The manager was asked again.
    PlanRefused { problem: String },
    /// A file was asked for again.
    FileRefused {
        path: FilePath,
        problem: FileProblem,
    },
    /// No review in several attempts had a verdict.
    ReviewUnclear,
    /// Issues that came back after they were mended, or were left when rounds were over.
    IssuesLeft { issues: Vec<Issue> },
    /// A node was lost; somebody else was asked.
    Lost { message: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct File {
    #[serde(flatten)]
    pub planned: PlannedFile,
    /// Who writes it.
    pub role: Role,
    pub state: FileState,
    /// Its texts, the newest last.
    pub versions: Vec<Version>,
    /// Answers that were no file, since the last version.
    pub attempts: u32,
    /// What the person asked to be changed, until it is.
    pub instruction: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum FileState {
    /// To be written, or written anew.
    Waiting,
    /// Its answer was cut off; the raw text so far.
    Partial {
        text: String,
        continuations: u32,
    },
    Written,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub text: String,
    /// None: the person.
    pub by: Option<Role>,
    /// The round of reviews before which it was written.
    pub round: u32,
}

impl Project {
    pub fn new(idea: &str) -> Self {
        Self {
            idea: idea.trim().to_owned(),
            stage: Stage::Planning,
            run: Run::Stopped,
            files: Vec::new(),
            issues: Vec::new(),
            past_issues: Vec::new(),
            rounds: 0,
            risks: None,
            notices: Vec::new(),
            attempts: 0,
        }
    }

    pub fn file(&self, path: &FilePath) -> Option<&File> {
        self.files.iter().find(|file| file.planned.path == *path)
    }

    pub(crate) fn file_mut(&mut self, path: &FilePath) -> Option<&mut File> {
        self.files
            .iter_mut()
            .find(|file| file.planned.path == *path)
    }

    pub fn paths(&self) -> Vec<FilePath> {
        self.files
            .iter()
            .map(|file| file.planned.path.clone())
            .collect()
    }
}

impl File {
    pub(crate) fn new(planned: PlannedFile) -> Self {
        let role = planned.path.kind().writer();
        Self {
            planned,
            role,
            state: FileState::Waiting,
            versions: Vec::new(),
            attempts: 0,
            instruction: None,
        }
    }

    /// The newest text; none while there is none.
    pub fn text(&self) -> Option<&str> {
        self.versions.last().map(|version| version.text.as_str())
    }
}
