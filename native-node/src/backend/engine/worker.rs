//! The thread that computes: takes prompts one after another and steps through each.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use ::engine::{Audit, Engine, EngineError, FinishReason, Judgement, Request, Step, Usage};
use protocol::Timings;
use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    oneshot,
};

use super::{
    model_file::ModelFile,
    shelf::{NotLoaded, Shelf, Use},
};

/// Tokens of an audit in one step: a prompt that comes meanwhile waits for no more than these.
const AUDIT_CHUNK: usize = 64;

/// Steps of an audit between two prompts: most audits have as many, or twice.
const STEPS_AFTER_A_PROMPT: usize = 4;

#[derive(Debug)]
pub(super) enum Order {
    /// Load this model, and tell when it is there.
    Load(Arc<ModelFile>, oneshot::Sender<Result<(), NotLoaded>>),
    Answer(Job),
    /// Judge an answer, whenever there is nothing else to do, and a little between two prompts.
    Audit(AuditJob),
}

/// An answer to be judged. Dropping the receiver cancels.
#[derive(Debug)]
pub(super) struct AuditJob {
    pub(super) file: Arc<ModelFile>,
    pub(super) audit: Audit,
    pub(super) judged: oneshot::Sender<Result<Vec<Judgement>, Unjudged>>,
}

/// Why there is no judgement.
#[derive(Debug)]
pub(super) enum Unjudged {
    NotLoaded(NotLoaded),
    /// Of this answer.
    Failed(EngineError),
}

/// A prompt and where its answer goes. Dropping the receiver cancels.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) file: Arc<ModelFile>,
    pub(super) request: Request,
    pub(super) events: mpsc::Sender<Event>,
}

#[derive(Debug)]
pub(super) enum Event {
    Token {
        text: String,
        token_id: u32,
    },
    Finished {
        text: String,
        reason: FinishReason,
        usage: Usage,
        timings: Timings,
    },
    Failed(EngineError),
    NotLoaded(NotLoaded),
    /// The engine made a mistake.
    Panicked,
}

/// What the worker needs of an engine.
pub(super) trait Compute {
    /// The session borrows the engine, and yields nothing more after an error or the end.
    fn start<'a>(&'a mut self, request: &Request) -> Result<Box<dyn Steps + 'a>, EngineError>;

    /// True once everything is judged.
    fn judge(&mut self, audit: &mut Audit) -> Result<bool, EngineError>;
}

pub(super) trait Steps: Iterator<Item = Result<Step, EngineError>> {
    fn usage(&self) -> Usage;
}

impl Compute for Engine {
    fn start<'a>(&'a mut self, request: &Request) -> Result<Box<dyn Steps + 'a>, EngineError> {
        Ok(Box::new(Engine::start(self, request)?))
    }

    fn judge(&mut self, audit: &mut Audit) -> Result<bool, EngineError> {
        audit.step(self, AUDIT_CHUNK)
    }
}

impl Steps for ::engine::Session<'_> {
    fn usage(&self) -> Usage {
        ::engine::Session::usage(self)
    }
}

/// Works until every sender of orders is gone.
pub(super) fn run(shelf: &mut Shelf, mut orders: mpsc::UnboundedReceiver<Order>) {
    let mut audits = VecDeque::new();
    loop {
        let order = if audits.is_empty() {
            orders.blocking_recv().ok_or(TryRecvError::Disconnected)
        } else {
            orders.try_recv()
        };
        // Whoever asked may have gone in this moment; then nobody needs to know.
        match order {
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => judge_a_little(shelf, &mut audits),
            Ok(order) => {
                let was_prompt = matches!(order, Order::Answer(_));
                take(shelf, order, &mut audits);
                // A node that is never idle would never judge.
                let steps = if was_prompt { STEPS_AFTER_A_PROMPT } else { 0 };
                for _ in 0..steps {
                    judge_a_little(shelf, &mut audits);
                }
            }
        }
    }
}

fn take(shelf: &mut Shelf, order: Order, audits: &mut VecDeque<AuditJob>) {
    match order {
        Order::Load(file, loaded) => {
            let taken = shelf.take(&file, Use::Prompt, &|| !loaded.is_closed());
            let taken = taken.map(drop);
            let _ = loaded.send(taken);
        }
        Order::Answer(job) => {
            if let Some(last) = load_and_answer(shelf, &job) {
                let _ = job.events.blocking_send(last);
            }
        }
        Order::Audit(job) => audits.push_back(job),
    }
}

/// One step of the audit that has waited longest.
fn judge_a_little(shelf: &mut Shelf, audits: &mut VecDeque<AuditJob>) {
    let Some(mut job) = audits.pop_front().filter(|job| !job.judged.is_closed()) else {
        return;
    };
    let step = match shelf.take(&job.file, Use::Audit, &|| !job.judged.is_closed()) {
        Ok((engine, _)) => {
            let judged = catch_unwind(AssertUnwindSafe(|| engine.judge(&mut job.audit)));
            let Ok(judged) = judged else {
                // Whoever waits hears that nobody judges any more.
                return shelf.discard(&job.file);
            };
            if let Err(EngineError::Gpu(error)) = &judged {
                shelf.gpu_failed(&job.file, error);
            }
            judged.map_err(Unjudged::Failed)
        }
        Err(error) => Err(Unjudged::NotLoaded(error)),
    };
    let _ = match step {
        Ok(false) => return audits.push_front(job),
        Ok(true) => job.judged.send(Ok(job.audit.into_judgements())),
        Err(error) => job.judged.send(Err(error)),
    };
}

/// `None` where nobody waits for the answer any more.
fn load_and_answer(shelf: &mut Shelf, job: &Job) -> Option<Event> {
    if job.events.is_closed() {
        return None;
    }
    let taken = shelf.take(&job.file, Use::Prompt, &|| !job.events.is_closed());
    let (engine, load) = match taken {
        Ok(taken) => taken,
        Err(error) => return Some(Event::NotLoaded(error)),
    };
    // It costs this prompt its answer, and not the node all that come after.
    let answered = catch_unwind(AssertUnwindSafe(|| answer(engine, job, load)));
    let last = answered.unwrap_or_else(|_| {
        shelf.discard(&job.file);
        Some(Event::Panicked)
    });
    // This prompt is another node's; the next finds the model where it can be computed.
    if let Some(Event::Failed(EngineError::Gpu(error))) = &last {
        shelf.gpu_failed(&job.file, error);
    }
    last
}

/// Steps to the end of the answer; `None` where nobody waits for it any more.
fn answer(engine: &mut dyn Compute, job: &Job, load: Duration) -> Option<Event> {
    let started = Instant::now();
    let mut prefilled = started;
    let mut session = match engine.start(&job.request) {
        Ok(session) => session,
        Err(error) => return Some(Event::Failed(error)),
    };
    while !job.events.is_closed() {
        match session.next()? {
            Ok(Step::Prefilled { .. }) => prefilled = Instant::now(),
            Ok(Step::Text { text, token_id }) => {
                job.events
                    .blocking_send(Event::Token { text, token_id })
                    .ok()?;
            }
            Ok(Step::Finished { text, reason }) => {
                let timings = Timings {
                    load_ms: load.as_secs_f64() * 1e3,
                    prefill_ms: (prefilled - started).as_secs_f64() * 1e3,
                    decode_ms: prefilled.elapsed().as_secs_f64() * 1e3,
                };
                return Some(Event::Finished {
                    text,
                    reason,
                    usage: session.usage(),
                    timings,
                });
            }
            Err(error) => return Some(Event::Failed(error)),
        }
    }
    None
}

#[cfg(test)]
mod tests;
