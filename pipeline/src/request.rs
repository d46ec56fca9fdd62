//! What the team asks its models, in words, and that it fits their windows.

use serde::{Deserialize, Serialize};

use crate::agent::{Agent, Role, Sampling, Team};
use crate::clean::STOPS;
use crate::context::{CountTokens, Fitted, Shown, fit};
use crate::opening::opening;
use crate::path::FilePath;
use crate::plan::PREFILL;
use crate::project::{Failure, File, FileState, Project};
use crate::review;

/// A question to one agent's model. Ids are unique in a run of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    pub role: Role,
    pub purpose: Purpose,
    pub model: Option<String>,
    pub system: String,
    pub user: String,
    /// How the answer begins; the model goes on from here.
    pub prefill: String,
    /// The end of the prefill that belongs to what is written.
    pub begun: String,
    pub stop: Vec<String>,
    /// `max_tokens` is what the window has room for.
    pub sampling: Sampling,
    /// Tokens of the prompt, at most, and of the window: what the meter shows.
    pub prompt_tokens: usize,
    pub window: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Purpose {
    Plan,
    Write { path: FilePath },
    Mend { path: FilePath },
    Review,
    Risks,
}

impl Purpose {
    pub fn path(&self) -> Option<&FilePath> {
        match self {
            Self::Write { path } | Self::Mend { path } => Some(path),
            _ => None,
        }
    }
}

/// Tokens that a chat template adds to each message, and one for good measure.
const MESSAGE_TOKENS: usize = 8;
/// Answers get at least this share of the window, if the agent asks for as much.
const ANSWER_SHARE: usize = 3;
/// An answer of fewer tokens is not worth asking for.
const LEAST_ANSWER: usize = 32;

/// The question of a purpose, and what became of the files that it shows.
pub(crate) fn request(
    id: u64,
    purpose: &Purpose,
    project: &Project,
    team: &Team,
    problem: Option<&str>,
    limits: Limits,
    count: &CountTokens<'_>,
) -> Result<(Request, Fitted), Failure> {
    let role = match purpose {
        Purpose::Plan => Role::Manager,
        Purpose::Review => Role::Reviewer,
        Purpose::Risks => Role::Observer,
        Purpose::Write { path } | Purpose::Mend { path } => {
            project.file(path).map_or(Role::Coder, |file| file.role)
        }
    };
    let agent = team.agent(role);
    let words = words(purpose, project, &agent, problem, limits);
    compose(id, purpose, agent, words, limits.window, count)
}

/// What bounds the team's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The model's window, in tokens.
    pub window: usize,
    /// That the manager may plan; what Python needs beside them is added.
    pub files: usize,
    /// Reviews whose issues are mended.
    pub rounds: u32,
    /// Requests at once.
    pub parallel: usize,
    /// Answers of no use until the team gives up on a question.
    pub attempts: u32,
    /// Continuations of a file that was cut off.
    pub continuations: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window: 4096,
            files: 6,
            rounds: 1,
            parallel: 4,
            attempts: 3,
            continuations: 3,
        }
    }
}

/// A question before it is fitted.
struct Words<'a> {
    /// What comes before the files, and after them.
    before: String,
    after: String,
    files: Vec<Shown<'a>>,
    prefill: String,
    begun: String,
    stop: Vec<String>,
}

fn words<'a>(
    purpose: &Purpose,
    project: &'a Project,
    agent: &Agent,
    problem: Option<&str>,
    limits: Limits,
) -> Words<'a> {
    let idea = &project.idea;
    let again = problem.map_or(String::new(), |problem| format!("\nMind this: {problem}"));
    match purpose {
        Purpose::Plan => Words {
            before: format!("Project: {idea}\n"),
            after: format!(
                "List the project's files in a table, as few as it takes, at most {}. Files that others import come first. \
                 Columns: path, purpose, paths it imports.{again}",
                limits.files
            ),
            files: Vec::new(),
            prefill: PREFILL.to_owned(),
            begun: String::new(),
            stop: vec!["\n\n".to_owned(), "```".to_owned()],
        },
        Purpose::Write { path } | Purpose::Mend { path } => {
            let file = project.file(path);
            let begun = match file.map(|file| &file.state) {
                Some(FileState::Partial { text, .. }) => text.clone(),
                _ => file.map_or(String::new(), |file| opening(file, project, agent)),
            };
            Words {
                before: format!("Project: {idea}\nIts files:\n{}", listing(project)),
                after: file.map_or(String::new(), |file| task(file, purpose, project)) + &again,
                files: shown(project, Some(path)),
                prefill: format!("```{}\n{begun}", path.language()),
                begun,
                stop: stops(),
            }
        }
        Purpose::Review => {
            let begun = review::first_row(project);
            Words {
                before: format!("Project: {idea}\n"),
                after: format!(
                    "Review these files in a table, one row for each file: LGTM where it works, or ISSUE: and what is \
                     wrong.{again}"
                ),
                files: shown(project, None),
                prefill: format!("{}{begun}", review::HEAD),
                begun,
                stop: vec!["\n\n".to_owned(), "```".to_owned()],
            }
        }
        Purpose::Risks => Words {
            before: format!("Project: {idea}\n"),
            after: "Sum up the risks of running this service, the worst first, five lines at most."
                .to_owned(),
            files: shown(project, None),
            prefill: "-".to_owned(),
            begun: "-".to_owned(),
            stop: vec!["\n\n\n".to_owned(), "```".to_owned()],
        },
    }
}

fn listing(project: &Project) -> String {
    let lines = project
        .files
        .iter()
        .map(|file| format!("{} | {}\n", file.planned.path, file.planned.purpose));
    lines.collect()
}

fn task(file: &File, purpose: &Purpose, project: &Project) -> String {
    let path = &file.planned.path;
    let mut task = String::new();
    if let Purpose::Mend { .. } = purpose {
        task.push_str(&format!(
            "Write {path} anew, whole, with these faults mended:\n"
        ));
        for issue in project.issues.iter().filter(|issue| issue.path == *path) {
            task.push_str(&format!("- {}\n", issue.text));
        }
    } else {
        task.push_str(&format!(
            "Write the whole file {path}: {}.",
            file.planned.purpose
        ));
    }
    if let Some(instruction) = &file.instruction {
        task.push_str(&format!("\nDo this: {instruction}"));
    }
    task
}

/// Files with a text, what `path` needs first, then the file itself, then the others from the newest.
fn shown<'a>(project: &'a Project, path: Option<&FilePath>) -> Vec<Shown<'a>> {
    let needs = path
        .and_then(|path| project.file(path))
        .map(|file| file.planned.needs.as_slice());
    let rank = |file: &File| {
        let of = &file.planned.path;
        if needs.is_some_and(|needs| needs.contains(of)) {
            0
        } else if path == Some(of) {
            1
        } else {
            2
        }
    };
    let mut files: Vec<&File> = project
        .files
        .iter()
        .filter(|file| file.text().is_some())
        .collect();
    if path.is_some() {
        files.reverse();
    }
    files.sort_by_key(|file| rank(file));
    files
        .into_iter()
        .filter_map(|file| {
            file.text().map(|text| Shown {
                path: &file.planned.path,
                text,
            })
        })
        .collect()
}

fn stops() -> Vec<String> {
    let mut stops: Vec<String> = STOPS.iter().map(|stop| format!("\n{stop}")).collect();
    stops.push("\n```".to_owned());
    stops
}

fn compose(
    id: u64,
    purpose: &Purpose,
    agent: Agent,
    words: Words<'_>,
    window: usize,
    count: &CountTokens<'_>,
) -> Result<(Request, Fitted), Failure> {
    let most_answer = agent.sampling.max_tokens as usize;
    let tokens =
        |texts: &[&str]| -> usize { texts.iter().map(|text| count(text) + MESSAGE_TOKENS).sum() };
    let must = tokens(&[&agent.prompt, &words.before, &words.after, &words.prefill]);
    let answer = most_answer.min(window / ANSWER_SHARE).max(LEAST_ANSWER);
    let fitted = fit(&words.files, window.saturating_sub(must + answer), count);
    let user = format!("{}{}{}", words.before, fitted.text, words.after);
    let prompt_tokens = tokens(&[&agent.prompt, &user, &words.prefill]);
    let max_tokens = most_answer.min(window.saturating_sub(prompt_tokens));
    if max_tokens < most_answer.min(LEAST_ANSWER) || max_tokens == 0 {
        let needed = prompt_tokens + LEAST_ANSWER;
        return Err(Failure::Window { needed, window });
    }
    let request = Request {
        id,
        role: agent.role,
        purpose: purpose.clone(),
        model: agent.model,
        system: agent.prompt,
        user,
        prefill: words.prefill,
        begun: words.begun,
        stop: words.stop,
        sampling: Sampling {
            max_tokens: u32::try_from(max_tokens).unwrap_or(u32::MAX),
            ..agent.sampling
        },
        prompt_tokens,
        window,
    };
    Ok((request, fitted))
}
