//! What becomes of an answer: a plan, a file's text, a verdict, or nothing that can be used.

use super::{Asked, Pipeline};
use crate::clean::{clean, repeats_itself};
use crate::event::Finish;
use crate::path::FilePath;
use crate::plan;
use crate::project::{Failure, File, FileProblem, FileState, Notice, Run, Stage, Version};
use crate::request::Purpose;
use crate::review::{self, Issue, Verdict};

impl Pipeline {
    pub(super) fn answered(&mut self, asked: &Asked, text: &str, finish: Finish) {
        let whole = || format!("{}{text}", asked.begun);
        match &asked.purpose {
            Purpose::Plan => self.planned(text),
            Purpose::Write { path } | Purpose::Mend { path } => {
                self.written(path, &asked.begun, text, finish);
            }
            Purpose::Review => self.reviewed(&whole()),
            Purpose::Risks => {
                self.project.risks = Some(whole().trim().to_owned());
                self.enter(Stage::Done);
                self.project.run = Run::Finished;
            }
        }
    }

    fn planned(&mut self, answer: &str) {
        let mut files = match plan::parse(answer, self.limits.files) {
            Ok(files) => files,
            Err(problem) => {
                let problem = problem.to_string();
                self.project.attempts += 1;
                if self.project.attempts >= self.limits.attempts {
                    return self.fail(Failure::Plan { problem });
                }
                self.problem = Some(problem.clone());
                return self.project.notices.push(Notice::PlanRefused { problem });
            }
        };
        plan::complete(&mut files);
        self.project.files = files.into_iter().map(File::new).collect();
        self.enter(Stage::Writing);
    }

    fn written(&mut self, path: &FilePath, begun: &str, text: &str, finish: Finish) {
        let (rounds, limits) = (self.project.rounds, self.limits);
        let is_mended = self.project.stage == Stage::Mending;
        let Some(file) = self.project.file_mut(path) else {
            return;
        };
        let continuations = match file.state {
            FileState::Partial { continuations, .. } => Some(continuations),
            _ => None,
        };
        let raw = format!("{begun}{text}");
        let is_new = !text.trim().is_empty();
        let problem = if repeats_itself(&raw) {
            FileProblem::Repeats
        } else if finish == Finish::Length {
            let so_far = continuations.unwrap_or(0);
            if so_far < limits.continuations && is_new {
                file.state = FileState::Partial {
                    text: raw,
                    continuations: so_far + 1,
                };
                return;
            }
            FileProblem::TooLong
        } else if let (Some(text), true) = (clean(&raw, path), is_new || continuations.is_some()) {
            if is_mended && has_shrunk(file.text(), &text) {
                return self.refused(path, FileProblem::Shrunk);
            }
            file.state = FileState::Written;
            file.attempts = 0;
            file.instruction = None;
            let by = Some(file.role);
            file.versions.push(Version {
                text,
                by,
                round: rounds,
            });
            self.project.issues.retain(|issue| issue.path != *path);
            return self.after_writing();
        } else {
            FileProblem::Empty
        };
        self.refused(path, problem);
    }

    pub(super) fn refused(&mut self, path: &FilePath, problem: FileProblem) {
        let most = self.limits.attempts;
        let mends = self.project.stage == Stage::Mending;
        let Some(file) = self.project.file_mut(path) else {
            return;
        };
        file.attempts += 1;
        let gives_up = file.attempts >= most;
        let is_mended = mends && file.text().is_some();
        file.state = if gives_up && is_mended {
            FileState::Written
        } else {
            FileState::Waiting
        };
        let path = path.clone();
        if !gives_up {
            self.project
                .notices
                .push(Notice::FileRefused { path, problem });
        } else if is_mended {
            self.leave_as_it_is(&path);
        } else {
            self.fail(Failure::File { path, problem });
        }
    }

    /// A file that nobody could mend keeps the text that it has.
    fn leave_as_it_is(&mut self, path: &FilePath) {
        let issues = std::mem::take(&mut self.project.issues);
        let (left, others) = issues.into_iter().partition(|issue| issue.path == *path);
        self.project.issues = others;
        self.project
            .notices
            .push(Notice::IssuesLeft { issues: left });
        self.after_writing();
    }

    fn reviewed(&mut self, answer: &str) {
        let found = match review::parse(answer, &self.project.paths()) {
            Verdict::Good => Vec::new(),
            Verdict::Issues(issues) => issues,
            Verdict::Unclear => {
                self.project.attempts += 1;
                if self.project.attempts < self.limits.attempts {
                    self.problem = Some("Answer LGTM, or lines that begin with ISSUE:".to_owned());
                    return;
                }
                self.project.notices.push(Notice::ReviewUnclear);
                Vec::new()
            }
        };
        let is_old = |issue: &Issue| {
            self.project
                .past_issues
                .iter()
                .any(|past| past.is_like(issue))
        };
        let rounds_are_over = self.project.rounds >= self.limits.rounds;
        let (left, fresh): (Vec<Issue>, Vec<Issue>) = found
            .into_iter()
            .partition(|issue| rounds_are_over || is_old(issue));
        if !left.is_empty() {
            self.project
                .notices
                .push(Notice::IssuesLeft { issues: left });
        }
        if fresh.is_empty() {
            return self.enter(Stage::Summing);
        }
        for issue in &fresh {
            if let Some(file) = self.project.file_mut(&issue.path) {
                file.state = FileState::Waiting;
            }
        }
        self.project.past_issues.extend(fresh.iter().cloned());
        self.project.issues = fresh;
        self.enter(Stage::Mending);
    }
}

/// Whether a mended file has lost so much that mending it has broken it: small models answer a remark on one line with
/// nothing but that line.
fn has_shrunk(before: Option<&str>, after: &str) -> bool {
    const FEW: usize = 8;
    let lines = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).count();
    let before = before.map_or(0, lines);
    before > FEW && 2 * lines(after) < before
}
