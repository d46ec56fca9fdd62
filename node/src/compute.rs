//! The worker's computing: takes jobs one after another and steps through each, with a turn for the
//! browser's other events between two steps.

use std::rc::Rc;
use std::time::Duration;

use engine::{Engine, Step, Usage};
use futures_channel::mpsc::UnboundedReceiver;
use futures_util::StreamExt;
use js_sys::Function;
use node_core::{Ending, Failure, engine_request};
use protocol::{BenchmarkResult, LlmPrompt, NodeMessage, TaskId, Timings};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::answer::Gathered;
use crate::clock::{self, Turns};
use crate::connection::Outbox;
use crate::distribution::Foresee;
use crate::event::{Event, Listener, Outcome};
use crate::held::Cancelled;
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
        gpu: Option<Function>,
        outbox: Rc<Outbox>,
    },
    Measure(Measure),
    Foresee(Foresee),
}

/// Computes until every sender of jobs is gone.
pub(crate) async fn run(
    mut engine: Engine,
    mut jobs: UnboundedReceiver<Job>,
    turns: Turns,
    listener: Listener,
) {
    let mut pace = Pace::default();
    while let Some(job) = jobs.next().await {
        match job {
            Job::Prompt {
                prompt,
                cancelled,
                outbox,
            } => {
                let work = Answering {
                    prompt: &prompt,
                    cancelled,
                    outbox: &outbox,
                    listener: &listener,
                    turns: &turns,
                };
                work.run(&mut engine, &mut pace).await;
            }
            Job::Benchmark {
                task_id,
                duration,
                gpu,
                outbox,
            } => {
                let cpu = benchmark(&mut engine, &turns, duration.min(LONGEST_BENCHMARK)).await;
                let result = BenchmarkResult {
                    task_id,
                    cpu_multiply_adds_per_second: cpu,
                    gpu_multiply_adds_per_second: benchmark_gpu(gpu, duration).await,
                };
                outbox.send(&NodeMessage::BenchmarkResult(result));
            }
            Job::Measure(measure) => measure.run(&mut engine, &mut pace, &turns).await,
            Job::Foresee(foresee) => foresee.run(&mut engine, &mut pace, &turns).await,
        }
    }
    drop(engine);
    #[cfg(target_feature = "atomics")]
    crate::threads::end();
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

impl Answering<'_> {
    async fn run(self, engine: &mut Engine, pace: &mut Pace) {
        // Nobody waits for it any more: it was cancelled before its turn came.
        if self.cancelled.is_set() {
            return;
        }
        let task_id = &self.prompt.task_id;
        self.listener.tell(&Event::PromptStarted {
            task_id: &task_id.0,
        });
        let account = self.answer(engine, pace).await.unwrap_or_else(|failure| {
            self.finish(&failure.into_frame(task_id.clone()));
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
    }

    async fn answer(&self, engine: &mut Engine, pace: &mut Pace) -> Result<Account, Failure> {
        let task_id = &self.prompt.task_id;
        let started = clock::now();
        let request = engine_request(self.prompt, fastrand::u64(..))?;
        let mut session = engine
            .start(&request)
            .map_err(|error| Failure::from(&error))?;
        let mut gathered = Gathered::new(task_id.clone(), self.outbox.frame_bytes(), started);
        let mut prefilled = started;
        let mut computed = session.usage().cached_tokens;
        loop {
            self.turns.next().await;
            session.set_chunk(pace.tokens());
            let before = clock::now();
            let step = if self.cancelled.is_set() {
                None
            } else {
                session.next()
            };
            let now = clock::now();
            let timings = Timings {
                load_ms: 0.0,
                prefill_ms: milliseconds(prefilled - started),
                decode_ms: milliseconds(now - prefilled),
            };
            match step.transpose().map_err(|error| Failure::from(&error))? {
                Some(Step::Prefilled { done, .. }) => {
                    pace.learn(done - computed, now - before);
                    computed = done;
                    prefilled = now;
                }
                Some(Step::Text { text, token_id }) => {
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

/// Multiply-adds per second of the engine's own kernels on its own weights, in all its threads.
async fn benchmark(engine: &mut Engine, turns: &Turns, duration: Duration) -> f64 {
    let started = clock::now();
    let mut multiply_adds = 0;
    loop {
        multiply_adds += engine.exercise();
        let elapsed = clock::now() - started;
        if elapsed >= duration {
            return multiply_adds as f64 / elapsed.as_secs_f64().max(f64::EPSILON);
        }
        turns.next().await;
    }
}

async fn benchmark_gpu(gpu: Option<Function>, duration: Duration) -> Option<f64> {
    let wanted = JsValue::from_f64(milliseconds(duration));
    let promise = gpu?.call1(&JsValue::NULL, &wanted).ok()?;
    let result = JsFuture::from(js_sys::Promise::resolve(&promise)).await;
    result.ok()?.as_f64()
}
