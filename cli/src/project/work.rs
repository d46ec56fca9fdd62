//! Drives the pipeline on one project: effects become requests, requests become events. Follows the studio's `work.ts`.

use std::collections::HashMap;

use pipeline::{Effect, Event, FilePath, Limits, Pipeline, Project, Request, Run, Team};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use super::{
    Asking, Files, Progress, Record,
    asking::{News, Outcome},
    estimate::Estimate,
    files::Step,
    progress::End,
};
use crate::{error::Failure, hub::HubError, interrupt::Interrupt};

/// A window smaller than this is of no use to a project.
const LEAST_WINDOW: usize = 1024;
/// Times that the pipeline hears of one question's losses; then they are waited out, so that it does not give up.
const LOSSES_TOLD: u32 = 2;

pub(crate) struct Work {
    asking: Asking,
    files: Files,
    progress: Progress,
    /// As the person knows the folder.
    shown_folder: String,
    name: String,
    pipeline: Pipeline,
    limits: Limits,
    estimate: Estimate,
    jobs: JoinSet<(u64, Outcome)>,
    open: HashMap<u64, Job>,
    /// Losses of each question since its last answer.
    losses: HashMap<String, u32>,
    news: mpsc::UnboundedReceiver<(u64, News)>,
    tell: mpsc::UnboundedSender<(u64, News)>,
    /// Why the team was given up.
    refusal: Option<HubError>,
}

/// A question that waits for its answer.
struct Job {
    /// The same for the same question, whichever request it comes in.
    name: String,
    window: usize,
    /// What was asked, for its length.
    texts: [String; 3],
    task: AbortHandle,
}

impl Work {
    /// `window`: of the model that is asked, in tokens.
    pub(crate) fn new(
        record: Record,
        asking: Asking,
        files: Files,
        progress: Progress,
        shown_folder: String,
        window: usize,
    ) -> Self {
        let limits = Limits {
            window,
            ..Limits::default()
        };
        let (tell, news) = mpsc::unbounded_channel();
        Self {
            asking,
            files,
            progress,
            shown_folder,
            name: record.name,
            pipeline: Pipeline::new(record.project, Team::default(), limits),
            limits,
            estimate: Estimate::default(),
            jobs: JoinSet::new(),
            open: HashMap::new(),
            losses: HashMap::new(),
            news,
            tell,
            refusal: None,
        }
    }

    fn project(&self) -> &Project {
        self.pipeline.project()
    }

    /// Until the project is finished, the team gives up, or the person stops it. It is saved after each step.
    pub(crate) async fn run(mut self, interrupt: &mut Interrupt) -> Result<(), Failure> {
        self.save()?;
        self.handle(Event::Start)?;
        while !self.open.is_empty() {
            tokio::select! {
                joined = self.jobs.join_next() => match joined {
                    Some(Ok((id, outcome))) => self.came(id, outcome)?,
                    Some(Err(error)) if error.is_panic() => return Err(anyhow::Error::from(error).into()),
                    // Withdrawn.
                    Some(Err(_)) | None => {}
                },
                Some((id, news)) = self.news.recv() => self.progress.news(id, news)?,
                () = interrupt.asked() => {
                    self.handle(Event::Stop)?;
                    self.progress.saved()?;
                    self.tell_of_end(false)?;
                    return Err(Failure::Interrupted);
                }
            }
        }
        self.ended()
    }

    fn ended(self) -> Result<(), Failure> {
        self.tell_of_end(self.refusal.is_some())?;
        if let Some(refusal) = self.refusal {
            return Err(refusal.into());
        }
        let is_whole = self.files.unwritten.is_empty();
        if self.project().run == Run::Finished && is_whole {
            Ok(())
        } else {
            Err(Failure::Project)
        }
    }

    /// `is_refused`: why the team was given up is told elsewhere.
    fn tell_of_end(&self, is_refused: bool) -> Result<(), Failure> {
        let unwritten: Vec<&FilePath> = self.files.unwritten.keys().collect();
        let end = End {
            folder: &self.shown_folder,
            unwritten: &unwritten,
            is_refused,
        };
        Ok(self.progress.ended(self.project(), &end)?)
    }

    /// What a person has written meanwhile comes first: whoever is asked next knows of it.
    fn handle(&mut self, event: Event) -> Result<(), Failure> {
        self.keep_in_step()?;
        self.step(event)?;
        self.keep_in_step()
    }

    fn step(&mut self, event: Event) -> Result<(), Failure> {
        // Where the estimate is too low, the hub says that the question is too long, and it is asked again in a smaller
        // window.
        let estimate = self.estimate;
        let effects = self
            .pipeline
            .handle(event, &|text: &str| estimate.count(text));
        self.files.get_to_know(self.pipeline.project());
        for effect in effects {
            match effect {
                Effect::Ask { request } => self.ask(*request),
                Effect::Withdraw { id } => self.withdraw(id),
                Effect::Save => self.save()?,
            }
        }
        Ok(())
    }

    /// Saved first: a file that is newer than what is saved would look like a person's.
    fn save(&self) -> Result<(), Failure> {
        let mut record = Record::new(&self.project().idea);
        record.name.clone_from(&self.name);
        record.project = self.project().clone();
        Ok(self.files.folder.save(&record)?)
    }

    fn keep_in_step(&mut self) -> Result<(), Failure> {
        loop {
            let Step {
                written,
                failed,
                edits,
            } = self.files.keep_in_step(self.pipeline.project());
            for written in &written {
                self.progress.written(written)?;
            }
            for path in &failed {
                if let Some(reason) = self.files.unwritten.get(path) {
                    self.progress.unwritten(path, reason)?;
                }
            }
            self.progress.project(self.pipeline.project())?;
            if edits.is_empty() {
                return Ok(());
            }
            for (path, text) in edits {
                self.progress.edited(&path)?;
                self.step(Event::Edit { path, text })?;
            }
        }
    }

    fn ask(&mut self, request: Request) {
        let id = request.id;
        self.progress.asked(id, &request.purpose);
        let name = match request.purpose.path() {
            Some(path) => format!("file {path}"),
            None => format!("{:?}", request.purpose),
        };
        let is_patient = self.losses.get(&name).copied().unwrap_or(0) >= LOSSES_TOLD;
        let window = request.window;
        let texts = [&request.system, &request.user, &request.prefill].map(String::clone);
        let (asking, tell) = (self.asking.clone(), self.tell.clone());
        let task = self.jobs.spawn(async move {
            // Nobody listens any more where the work has ended.
            let tell = |news| drop(tell.send((id, news)));
            (id, asking.pursue(&request, is_patient, tell).await)
        });
        let job = Job {
            name,
            window,
            texts,
            task,
        };
        self.open.insert(id, job);
    }

    fn withdraw(&mut self, id: u64) {
        if let Some(job) = self.open.remove(&id) {
            job.task.abort();
            self.progress.closed(id);
        }
    }

    fn came(&mut self, id: u64, outcome: Outcome) -> Result<(), Failure> {
        let Some(job) = self.open.remove(&id) else {
            return Ok(());
        };
        let Job {
            name,
            window,
            texts,
            ..
        } = job;
        self.progress.closed(id);
        let (message, may_retry) = match outcome {
            Outcome::Answered {
                model,
                text,
                finish,
                prompt_tokens,
            } => {
                let texts = texts.each_ref().map(String::as_str);
                self.estimate.learn(texts, prompt_tokens.unwrap_or(0));
                self.losses.remove(&name);
                // Whom one question found, the next one asks first.
                self.asking.model = model;
                return self.handle(Event::Answer { id, text, finish });
            }
            Outcome::GivenUp(failure) => {
                self.handle(Event::Stop)?;
                self.tell_of_end(true)?;
                return Err(failure);
            }
            Outcome::Window { .. } if window > LEAST_WINDOW => return self.narrow(window),
            Outcome::Window { message } => (message, false),
            Outcome::Hopeless(error) => {
                let message = error.to_string();
                self.refusal = Some(error);
                (message, false)
            }
            Outcome::Lost { message } => {
                let losses = self.losses.entry(name).or_default();
                *losses += 1;
                (message, *losses <= LOSSES_TOLD)
            }
        };
        self.handle(Event::Lost {
            id,
            message,
            may_retry,
        })
    }

    /// The machine that was asked has a smaller window: everything that is open is asked again for less.
    fn narrow(&mut self, window: usize) -> Result<(), Failure> {
        for id in self.open.keys().copied().collect::<Vec<_>>() {
            self.withdraw(id);
        }
        self.limits.window = LEAST_WINDOW.max(window * 3 / 4);
        // Ids begin anew: what the old questions still send must not be taken for the new ones'.
        self.jobs = JoinSet::new();
        (self.tell, self.news) = mpsc::unbounded_channel();
        let project = self.project().clone();
        self.pipeline = Pipeline::new(project, Team::default(), self.limits);
        self.handle(Event::Start)
    }
}
