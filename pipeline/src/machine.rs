//! The team's work: events in, effects out. No clock, no network, no randomness; the same events come to the same
//! project.

mod answers;

use crate::agent::Team;
use crate::context::{CountTokens, Share};
use crate::event::{Effect, Event};
use crate::path::FilePath;
use crate::project::{Failure, FileProblem, FileState, Notice, Project, Run, Stage, Version};
use crate::request::{Limits, Purpose, request};

/// A question that waits for its answer.
#[derive(Debug)]
struct Asked {
    id: u64,
    purpose: Purpose,
    /// What the answer goes on from.
    begun: String,
}

/// The team at work on one project.
#[derive(Debug)]
pub struct Pipeline {
    project: Project,
    team: Team,
    limits: Limits,
    asked: Vec<Asked>,
    next_id: u64,
    /// Why the stage's last answer was of no use, for the one who is asked again.
    problem: Option<String>,
    /// Questions that came to nothing since their last answer.
    lost: Vec<Purpose>,
}

impl Pipeline {
    /// A project that was saved is as good as a new one: questions that were open are asked again on [`Event::Start`].
    pub fn new(mut project: Project, team: Team, limits: Limits) -> Self {
        if project.run == Run::Running {
            project.run = Run::Stopped;
        }
        Self {
            project,
            team,
            limits,
            asked: Vec::new(),
            next_id: 0,
            problem: None,
            lost: Vec::new(),
        }
    }

    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Requests that wait for an answer.
    pub fn asked(&self) -> impl Iterator<Item = (u64, &Purpose)> {
        self.asked.iter().map(|asked| (asked.id, &asked.purpose))
    }

    /// From now on the team is another one; what was asked stays asked.
    pub fn set_team(&mut self, team: Team) {
        self.team = team;
    }

    pub fn handle(&mut self, event: Event, count: &CountTokens<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let before = self.project.clone();
        match event {
            Event::Start => self.start(),
            Event::Stop => {
                if self.project.run == Run::Running {
                    self.project.run = Run::Stopped;
                }
            }
            Event::Answer { id, text, finish } => {
                if let Some(asked) = self.take(id) {
                    self.lost.retain(|lost| *lost != asked.purpose);
                    self.answered(&asked, &text, finish);
                }
            }
            Event::Lost {
                id,
                message,
                may_retry,
            } => {
                if let Some(asked) = self.take(id) {
                    self.lost(asked.purpose, message, may_retry);
                }
            }
            Event::Edit { path, text } => self.put(&path, text, &mut effects),
            Event::Regenerate { path, instruction } => {
                self.regenerate(&path, &instruction, &mut effects);
            }
            Event::Revert { path, version } => {
                let text = self
                    .project
                    .file(&path)
                    .and_then(|file| file.versions.get(version));
                if let Some(text) = text.map(|version| version.text.clone()) {
                    self.put(&path, text, &mut effects);
                }
            }
            Event::Remove { path } => self.remove(&path, &mut effects),
        }
        self.ask(&mut effects, count);
        if self.project.run != Run::Running {
            let asked = std::mem::take(&mut self.asked);
            effects.extend(
                asked
                    .into_iter()
                    .map(|Asked { id, .. }| Effect::Withdraw { id }),
            );
        }
        if self.project != before {
            effects.push(Effect::Save);
        }
        effects
    }

    fn take(&mut self, id: u64) -> Option<Asked> {
        let at = self.asked.iter().position(|asked| asked.id == id)?;
        Some(self.asked.swap_remove(at))
    }

    fn start(&mut self) {
        self.lost.clear();
        let project = &mut self.project;
        if matches!(project.run, Run::Stopped | Run::Failed { .. }) {
            project.run = Run::Running;
            project.attempts = 0;
            project.files.iter_mut().for_each(|file| file.attempts = 0);
            self.after_writing();
        }
    }

    fn fail(&mut self, reason: Failure) {
        self.project.run = Run::Failed { reason };
    }

    fn lost(&mut self, purpose: Purpose, message: String, may_retry: bool) {
        let times = 1 + self.lost.iter().filter(|lost| **lost == purpose).count();
        self.lost.push(purpose);
        if may_retry && times < self.limits.attempts as usize {
            self.project.notices.push(Notice::Lost { message });
        } else {
            self.fail(Failure::Nobody { message });
        }
    }

    fn enter(&mut self, stage: Stage) {
        self.project.stage = stage;
        self.project.attempts = 0;
        self.problem = None;
    }

    /// Goes on once all files are written.
    fn after_writing(&mut self) {
        let all_written = self
            .project
            .files
            .iter()
            .all(|file| file.state == FileState::Written);
        match self.project.stage {
            Stage::Writing if all_written => self.enter(Stage::Reviewing),
            Stage::Mending if all_written => {
                self.project.rounds += 1;
                self.enter(Stage::Reviewing);
            }
            Stage::Done if all_written => self.project.run = Run::Finished,
            _ => {}
        }
    }

    fn put(&mut self, path: &FilePath, text: String, effects: &mut Vec<Effect>) {
        let round = self.project.rounds;
        let mends = self.project.stage == Stage::Mending;
        let Some(file) = self.project.file_mut(path) else {
            return;
        };
        if file.text() == Some(text.as_str()) {
            return;
        }
        file.versions.push(Version {
            text,
            by: None,
            round,
        });
        // What the review found may still be in it. A half answer would go on from the older text.
        let is_to_be_mended = mends && file.state != FileState::Written;
        file.state = if is_to_be_mended {
            FileState::Waiting
        } else {
            FileState::Written
        };
        self.withdraw_if(effects, |purpose| purpose.path() == Some(path));
        if !mends {
            self.after_writing();
        }
    }

    fn regenerate(&mut self, path: &FilePath, instruction: &str, effects: &mut Vec<Effect>) {
        let Some(file) = self.project.file_mut(path) else {
            return;
        };
        file.state = FileState::Waiting;
        file.attempts = 0;
        let instruction = instruction.trim().to_owned();
        file.instruction = (!instruction.is_empty()).then_some(instruction);
        self.withdraw(path, effects);
        match self.project.stage {
            Stage::Reviewing | Stage::Summing => self.enter(Stage::Writing),
            Stage::Done => self.project.run = Run::Running,
            _ => {}
        }
    }

    /// Answers that are on their way don't know what became of a file: the file's own, and what was to be said of all
    /// files.
    fn withdraw(&mut self, path: &FilePath, effects: &mut Vec<Effect>) {
        self.withdraw_if(effects, |purpose| {
            purpose.path().is_none_or(|asked| asked == path)
        });
    }

    fn withdraw_if(&mut self, effects: &mut Vec<Effect>, is_over: impl Fn(&Purpose) -> bool) {
        self.asked.retain(|Asked { id, purpose, .. }| {
            let is_over = is_over(purpose);
            if is_over {
                effects.push(Effect::Withdraw { id: *id });
            }
            !is_over
        });
    }

    fn remove(&mut self, path: &FilePath, effects: &mut Vec<Effect>) {
        if self.project.file(path).is_none() {
            return;
        }
        self.withdraw(path, effects);
        let project = &mut self.project;
        project.files.retain(|file| file.planned.path != *path);
        for file in &mut project.files {
            file.planned.needs.retain(|need| need != path);
        }
        for issues in [&mut project.issues, &mut project.past_issues] {
            issues.retain(|issue| issue.path != *path);
        }
        if project.files.is_empty() {
            project.rounds = 0;
            project.risks = None;
            project.run = Run::Stopped;
            self.enter(Stage::Planning);
        } else if self.project.run == Run::Running {
            self.after_writing();
        }
    }

    /// Asks whatever can be asked now.
    fn ask(&mut self, effects: &mut Vec<Effect>, count: &CountTokens<'_>) {
        while self.project.run == Run::Running {
            let Some(purpose) = self.next_purpose() else {
                return;
            };
            let (project, problem) = (&self.project, self.problem.as_deref());
            match request(
                self.next_id,
                &purpose,
                project,
                &self.team,
                problem,
                self.limits,
                count,
            ) {
                Ok((request, fitted)) => {
                    let shares: Vec<(FilePath, Share)> = fitted
                        .shares
                        .into_iter()
                        .filter(|(_, share)| *share != Share::Whole)
                        .collect();
                    if !shares.is_empty() {
                        let path = purpose.path().cloned();
                        self.project
                            .notices
                            .push(Notice::Shortened { path, shares });
                    }
                    self.asked.push(Asked {
                        id: self.next_id,
                        purpose,
                        begun: request.begun.clone(),
                    });
                    self.next_id += 1;
                    effects.push(Effect::Ask {
                        request: Box::new(request),
                    });
                }
                // A file that has become too long to be continued is begun anew.
                Err(Failure::Window { .. }) if self.is_partial(&purpose) => {
                    if let Some(path) = purpose.path() {
                        self.refused(path, FileProblem::TooLong);
                    }
                }
                Err(failure) => self.fail(failure),
            }
        }
    }

    fn is_asked(&self, path: &FilePath) -> bool {
        self.asked
            .iter()
            .any(|asked| asked.purpose.path() == Some(path))
    }

    fn is_partial(&self, purpose: &Purpose) -> bool {
        let file = purpose.path().and_then(|path| self.project.file(path));
        file.is_some_and(|file| matches!(file.state, FileState::Partial { .. }))
    }

    fn next_purpose(&self) -> Option<Purpose> {
        if self.asked.len() >= self.limits.parallel {
            return None;
        }
        let only = |purpose: Purpose| self.asked.is_empty().then_some(purpose);
        match self.project.stage {
            Stage::Planning => only(Purpose::Plan),
            Stage::Reviewing => only(Purpose::Review),
            Stage::Summing => only(Purpose::Risks),
            Stage::Writing | Stage::Mending | Stage::Done => self.next_file(),
        }
    }

    /// A file that waits, is not asked for, and whose needs are written.
    fn next_file(&self) -> Option<Purpose> {
        let project = &self.project;
        let is_written = |path: &FilePath| {
            project
                .file(path)
                .is_none_or(|file| file.state == FileState::Written)
        };
        let file = project.files.iter().find(|file| {
            file.state != FileState::Written
                && !self.is_asked(&file.planned.path)
                && file.planned.needs.iter().all(is_written)
        })?;
        let path = file.planned.path.clone();
        let has_issues = project.issues.iter().any(|issue| issue.path == path);
        Some(if has_issues {
            Purpose::Mend { path }
        } else {
            Purpose::Write { path }
        })
    }
}
