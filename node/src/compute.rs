//! The worker's computing: takes jobs one after another and steps through each, with a turn for the
//! browser's other events between two steps.

use std::rc::Rc;
use std::time::Duration;

use engine::{Engine, EngineError, EngineOptions, Step, Usage};
use futures_channel::mpsc::UnboundedReceiver;
use futures_util::StreamExt;
use node_core::{Ending, Failure, engine_request};
use protocol::{BenchmarkResult, LlmPrompt, NodeMessage, TaskId, Timings};

use crate::answer::Gathered;
use crate::clock::{self, Turns};
use crate::connection::Outbox;
use crate::distribution::Foresee;
use crate::event::{Event, Listener, Outcome};
use crate::held::Cancelled;
use crate::loading::Loader;
use crate::loss::{Loss, Rebuild, rebuilt};
use crate::measure::Measure;
use crate::pace::Pace;

/// A hub may ask for no longer benchmark than this.
const LONGEST_BENCHMARK: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) enum Job {
    Prompt {
        prompt: Box<LlmPrompt>,
        cancelled: Cancelled,
        outbox: Rc<Outbox>,
    },
    Benchmark {
        task_id: TaskId,
        duration: Duration,
        outbox: Rc<Outbox>,
    },
    Measure(Measure),
    Foresee(Foresee),
}

/// Whoever computes, and what it lives from.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) loader: Loader,
    pub(crate) jobs: UnboundedReceiver<Job>,
    pub(crate) rebuilds: UnboundedReceiver<Rebuild>,
    pub(crate) turns: Turns,
    pub(crate) listener: Listener,
}

impl Worker {
    /// Computes until every sender of jobs is gone.
    pub(crate) async fn run(mut self, engine: Engine) {
        self.compute(engine).await;
        #[cfg(target_feature = "atomics")]
        crate::threads::end();
    }

    async fn compute(&mut self, mut engine: Engine) {
        let mut pace = Pace::default();
        while let Some(job) = self.jobs.next().await {
            // It may have gone while nobody asked anything, as on a machine that slept.
            if let Some(loss) = Loss::of(&engine.check()) {
                let Some(again) = self.recover(engine, loss).await else {
                    return;
                };
                engine = again;
            }
            if let Some(loss) = self.work(job, &mut engine, &mut pace).await {
                let Some(again) = self.recover(engine, loss).await else {
                    return;
                };
                engine = again;
                pace = Pace::default();
            }
        }
    }

    /// What comes meanwhile waits in its channel. None where the page wants no more.
    async fn recover(&mut self, lost: Engine, Loss(message): Loss) -> Option<Engine> {
        drop(lost);
        self.loader.lose();
        let message = message.as_str();
        self.listener.tell(&Event::GpuLost { message });
        rebuilt(&self.loader, &mut self.rebuilds).await
    }

    async fn work(&self, job: Job, engine: &mut Engine, pace: &mut Pace) -> Option<Loss> {
        match job {
            Job::Prompt {
                prompt,
                cancelled,
                outbox,
            } => {
                let answering = Answering {
                    prompt: &prompt,
                    cancelled,
                    outbox: &outbox,
                    listener: &self.listener,
                    turns: &self.turns,
                };
                answering.run(engine, pace).await
            }
            Job::Benchmark {
                task_id,
                duration,
                outbox,
            } => {
                let duration = duration.min(LONGEST_BENCHMARK);
                match self.benchmark(engine, task_id, duration).await {
                    Ok(result) => {
                        outbox.send(&NodeMessage::BenchmarkResult(result));
                        None
                    }
                    Err(error) => Loss::behind(&error),
                }
            }
            Job::Measure(measure) => measure.run(engine, pace, &self.turns).await,
            Job::Foresee(foresee) => foresee.run(engine, pace, &self.turns).await,
        }
    }

    async fn benchmark(
        &self,
        engine: &mut Engine,
        task_id: TaskId,
        duration: Duration,
    ) -> Result<BenchmarkResult, EngineError> {
        let rate = exercise(engine, &self.turns, duration).await?;
        let (cpu, gpu) = if engine.info().gpu.is_some() {
            let EngineOptions { threads, spawn, .. } = *self.loader.options();
            let cpu = engine::cpu_multiply_adds_per_second(threads, spawn, clock::now);
            (cpu, Some(rate))
        } else {
            (rate, None)
        };
        Ok(BenchmarkResult {
            task_id,
            cpu_multiply_adds_per_second: cpu,
            gpu_multiply_adds_per_second: gpu,
        })
    }
}

struct Answering<'a> {
    prompt: &'a LlmPrompt,
    cancelled: Cancelled,
    outbox: &'a Outbox,
    listener: &'a Listener,
    turns: &'a Turns,
}

/// What an answer came to, for the page.
struct Account {
    outcome: Outcome,
    usage: Usage,
    timings: Timings,
}

/// Why there is no answer, and whether the model went with it.
struct Unanswered {
    failure: Failure,
    loss: Option<Loss>,
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            loss: None,
        }
    }
}

impl From<EngineError> for Unanswered {
    fn from(error: EngineError) -> Self {
        Self {
            failure: Failure::from(&error),
            loss: Loss::behind(&error),
        }
    }
}

impl Answering<'_> {
    async fn run(self, engine: &mut Engine, pace: &mut Pace) -> Option<Loss> {
        // Nobody waits for it any more: it was cancelled before its turn came.
        if self.cancelled.is_set() {
            return None;
        }
        let task_id = &self.prompt.task_id;
        self.listener.tell(&Event::PromptStarted {
            task_id: &task_id.0,
        });
        let mut loss = None;
        let account = self
            .answer(engine, pace)
            .await
            .unwrap_or_else(|unanswered| {
                loss = unanswered.loss;
                self.finish(&unanswered.failure.into_frame(task_id.clone()));
                Account {
                    outcome: Outcome::Failed,
                    usage: Usage::default(),
                    timings: Timings::default(),
                }
            });
        self.listener.tell(&Event::PromptFinished {
            task_id: &task_id.0,
            prompt_tokens: account.usage.prompt_tokens,
            completion_tokens: account.usage.completion_tokens,
            prefill_ms: account.timings.prefill_ms,
            decode_ms: account.timings.decode_ms,
            outcome: account.outcome,
        });
        loss
    }

    async fn answer(&self, engine: &mut Engine, pace: &mut Pace) -> Result<Account, Unanswered> {
        let task_id = &self.prompt.task_id;
        let started = clock::now();
        let request = engine_request(self.prompt, fastrand::u64(..))?;
        let mut session = engine.start(&request)?;
        let mut gathered = Gathered::new(task_id.clone(), self.outbox.frame_bytes(), started);
        let mut prefilled = started;
        let mut computed = session.usage().cached_tokens;
        loop {
            self.turns.next().await;
            session.set_step(pace.tokens());
            session.set_ahead(pace.ahead());
            let before = clock::now();
            let step = if self.cancelled.is_set() {
                None
            } else {
                session.next_step().await
            };
            let now = clock::now();
            let timings = Timings {
                load_ms: 0.0,
                prefill_ms: milliseconds(prefilled - started),
                decode_ms: milliseconds(now - prefilled),
            };
            match step.transpose()? {
                Some(Step::Prefilled { done, .. }) => {
                    pace.learn(done - computed, now - before);
                    computed = done;
                    prefilled = now;
                }
                Some(Step::Text { text, token_id }) => {
                    pace.learn_answer(session.usage().completion_tokens, now - prefilled);
                    self.send(gathered.push(&text, token_id, now));
                }
                Some(Step::Finished { text, reason }) => {
                    self.send(gathered.flush(&text));
                    let ending = Ending::of_engine(reason, session.usage(), timings);
                    self.finish(&ending.into_frame(task_id.clone()));
                    return Ok(Account {
                        outcome: Outcome::Done,
                        usage: session.usage(),
                        timings,
                    });
                }
                None => {
                    return Ok(Account {
                        outcome: Outcome::Cancelled,
                        usage: session.usage(),
                        timings,
                    });
                }
            }
        }
    }

    fn send(&self, frames: Vec<NodeMessage>) {
        for frame in frames {
            self.outbox.send(&frame);
            if let NodeMessage::LlmToken(token) = &frame {
                self.listener.tell(&Event::Token {
                    task_id: &token.task_id.0,
                    count: token.token_ids.len(),
                });
            }
        }
    }

    /// Sends the last frame, unless nobody waits for it.
    fn finish(&self, frame: &NodeMessage) {
        if !self.cancelled.is_set() {
            self.outbox.finish(&self.prompt.task_id, frame);
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Multiply-adds per second of the engine's own kernels on its own weights, on the GPU or in all its
/// threads.
async fn exercise(
    engine: &mut Engine,
    turns: &Turns,
    duration: Duration,
) -> Result<f64, EngineError> {
    let started = clock::now();
    let mut multiply_adds = 0;
    loop {
        multiply_adds += engine.exercise_async().await?;
        let elapsed = clock::now() - started;
        if elapsed >= duration {
            return Ok(multiply_adds as f64 / elapsed.as_secs_f64().max(f64::EPSILON));
        }
        turns.next().await;
    }
}
