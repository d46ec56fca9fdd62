//! What the model says about the next token, for the page's guide: the steps of a prompt that nobody
//! answers, at the pace and with the turns of every other.

use std::time::Duration;

use engine::{Begun, Engine, EngineError, Input, Message, Request, Sampling, Step};
use futures_channel::oneshot;
use js_sys::Function;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use crate::clock::{self, Turns};
use crate::loss::Loss;
use crate::pace::Pace;

/// Dropping the other end of `reply` ends the work between two steps.
#[derive(Debug)]
pub(crate) struct Foresee {
    pub(crate) input: Input,
    /// Candidates to tell one by one.
    pub(crate) count: usize,
    pub(crate) on_progress: Function,
    pub(crate) reply: oneshot::Sender<Result<Foreseen, EngineError>>,
}

/// `Foreseen` of `wasm.ts`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Foreseen {
    candidates: Vec<Candidate>,
    rest: Vec<(f32, usize)>,
    prompt_tokens: usize,
    cached_tokens: usize,
    prefill_ms: f64,
}

#[derive(Debug, Serialize)]
struct Candidate {
    token: u32,
    text: String,
    logit: f32,
    recent: bool,
    ends: bool,
}

/// What the page gives: a text to go on from, or a conversation.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Given {
    Text(String),
    Messages(Vec<GivenMessage>),
}

#[derive(Debug, Deserialize)]
struct GivenMessage {
    role: String,
    content: String,
}

/// An assistant's message at the end is the beginning of the answer.
pub(crate) fn read_input(value: JsValue) -> Result<Input, JsValue> {
    let mut messages = match serde_wasm_bindgen::from_value(value)? {
        Given::Text(prompt) => {
            return Ok(Input::Raw {
                prompt,
                suffix: None,
            });
        }
        Given::Messages(messages) => messages,
    };
    let prefill = messages.pop_if(|last| last.role == "assistant");
    Ok(Input::Chat {
        messages: messages.into_iter().map(Message::from).collect(),
        tools: Vec::new(),
        prefill: prefill.map_or_else(String::new, |last| last.content),
    })
}

impl From<GivenMessage> for Message {
    fn from(given: GivenMessage) -> Self {
        Self {
            role: given.role,
            content: given.content,
            tool_calls: Vec::new(),
        }
    }
}

impl Foresee {
    pub(crate) async fn run(
        self,
        engine: &mut Engine,
        pace: &mut Pace,
        turns: &Turns,
    ) -> Option<Loss> {
        let cancelled = || self.reply.is_canceled();
        let request = Request {
            input: self.input,
            begun: Begun::default(),
            sampling: Sampling::greedy(Some(1)),
        };
        let progress = |done: usize, total: usize| {
            let (done, total) = (JsValue::from(done), JsValue::from(total));
            // A page that can't show the progress gets its answer all the same.
            let _ = self.on_progress.call2(&JsValue::NULL, &done, &total);
        };
        let result = foresee(
            engine, &request, self.count, pace, turns, progress, cancelled,
        );
        let result = result.await;
        let loss = Loss::of(&result);
        // Nobody may wait for it any more.
        if let Some(result) = result.transpose() {
            let _ = self.reply.send(result);
        }
        loss
    }
}

/// `None` where it was given up.
async fn foresee(
    engine: &mut Engine,
    request: &Request,
    count: usize,
    pace: &mut Pace,
    turns: &Turns,
    progress: impl Fn(usize, usize),
    cancelled: impl Fn() -> bool,
) -> Result<Option<Foreseen>, EngineError> {
    let started = clock::now();
    let mut session = engine.start(request)?;
    let usage = session.usage();
    progress(usage.cached_tokens, usage.prompt_tokens);
    let mut computed = usage.cached_tokens;
    loop {
        turns.next().await;
        if cancelled() {
            return Ok(None);
        }
        session.set_step(pace.tokens());
        let before = clock::now();
        let Some(step) = session.next_step().await else {
            return Ok(None);
        };
        let Step::Prefilled { done, total } = step? else {
            return Ok(None);
        };
        pace.learn(done - computed, clock::now() - before);
        computed = done;
        progress(done, total);
        if let Some(distribution) = session.distribution(count) {
            let prefill = clock::now() - started;
            return Ok(Some(Foreseen::new(distribution, session.usage(), prefill)));
        }
    }
}

impl Foreseen {
    fn new(found: engine::Distribution, usage: engine::Usage, prefill: Duration) -> Self {
        let candidate = |found: engine::Candidate| Candidate {
            token: found.token,
            text: found.text,
            logit: found.logit,
            recent: found.recent,
            ends: found.ends,
        };
        Self {
            candidates: found.candidates.into_iter().map(candidate).collect(),
            rest: found.rest,
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: usage.cached_tokens,
            prefill_ms: prefill.as_secs_f64() * 1e3,
        }
    }
}
