//! Measures the engine for the page: the steps of one answer that nobody reads, at the pace and with
//! the turns of every other.

use std::time::Duration;

use engine::{Engine, EngineError, Measurement, Speed, Step};
use futures_channel::oneshot;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::clock::{self, Turns};
use crate::loss::Loss;
use crate::pace::Pace;

/// Dropping the other end of `reply` ends the work between two steps.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) prompt: Prompt,
    pub(crate) decode_tokens: usize,
    pub(crate) keep_cache: bool,
    pub(crate) reply: oneshot::Sender<Result<Measured, EngineError>>,
}

#[derive(Debug)]
pub(crate) enum Prompt {
    /// So many tokens.
    Length(usize),
    Tokens(Vec<u32>),
}

/// `Measured` of `wasm.ts`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measured {
    prompt_tokens: usize,
    cached_tokens: usize,
    prefill_ms: f64,
    first_token_ms: f64,
    decoded_tokens: usize,
    decode_ms: f64,
    /// Prompt and answer.
    tokens: Vec<u32>,
    kernels: &'static str,
    threads: usize,
}

impl Prompt {
    /// Reads what the page gives: a number, or an array of ids.
    pub(crate) fn read(value: JsValue) -> Result<Self, JsValue> {
        if let Some(length) = value.as_f64() {
            return Ok(Self::Length(length as usize));
        }
        Ok(Self::Tokens(serde_wasm_bindgen::from_value(value)?))
    }
}

impl Measure {
    pub(crate) async fn run(
        self,
        engine: &mut Engine,
        pace: &mut Pace,
        turns: &Turns,
    ) -> Option<Loss> {
        let result = tokens(engine, self.prompt).map(|prompt| Measurement {
            prompt,
            decode_tokens: self.decode_tokens,
            keep_cache: self.keep_cache,
        });
        let result = match result {
            Ok(measurement) => {
                let cancelled = || self.reply.is_canceled();
                measure(engine, measurement, pace, turns, cancelled).await
            }
            Err(error) => Err(error),
        };
        let loss = Loss::of(&result);
        // Nobody may wait for it any more.
        let _ = self.reply.send(result);
        loss
    }
}

fn tokens(engine: &Engine, prompt: Prompt) -> Result<Vec<u32>, EngineError> {
    match prompt {
        // One that fills the context leaves no room for an answer, and is refused like a longer one.
        Prompt::Length(length) => engine.repeated(length.min(engine.info().context_length)),
        Prompt::Tokens(tokens) => Ok(tokens),
    }
}

async fn measure(
    engine: &mut Engine,
    measurement: Measurement,
    pace: &mut Pace,
    turns: &Turns,
    cancelled: impl Fn() -> bool,
) -> Result<Measured, EngineError> {
    let mut measuring = engine.start_measuring(&measurement, clock::now)?;
    let mut computed = measuring.cached_tokens();
    let mut prefilled = clock::now();
    let mut decoded = 0;
    while !cancelled() {
        turns.next().await;
        measuring.set_step(pace.tokens());
        measuring.set_ahead(pace.ahead());
        let before = clock::now();
        let Some(step) = measuring.next_step().await else {
            break;
        };
        let now = clock::now();
        match step? {
            Step::Prefilled { done, .. } => {
                pace.learn(done - computed, now - before);
                computed = done;
                prefilled = now;
            }
            Step::Text { .. } => {
                decoded += 1;
                pace.learn_answer(decoded, now - prefilled);
            }
            Step::Finished { .. } => {}
        }
    }
    let speed = measuring.finish();
    Ok(Measured::new(measurement.prompt, speed, engine))
}

impl Measured {
    fn new(prompt: Vec<u32>, speed: Speed, engine: &Engine) -> Self {
        Self {
            prompt_tokens: speed.prompt_tokens,
            cached_tokens: speed.cached_tokens,
            prefill_ms: milliseconds(speed.prefill),
            first_token_ms: milliseconds(speed.first_token),
            decoded_tokens: speed.decoded_tokens,
            decode_ms: milliseconds(speed.decode),
            tokens: [prompt, speed.answer].concat(),
            kernels: engine.info().kernels,
            threads: engine.info().threads,
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
