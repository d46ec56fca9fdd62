//! One prompt being answered, a step at a time.

use crate::model::CHUNK;
use crate::sampler::{REPEAT_WINDOW, Sampler};
use crate::text::TextStream;
use crate::{Distribution, Engine, EngineError, Sampling};

/// An answer in the making: an iterator of steps. Dropping it between two steps aborts; what the
/// KV cache holds by then stays useful to the next prompt.
#[derive(Debug)]
pub struct Session<'engine> {
    engine: &'engine mut Engine,
    /// Prompt and answer so far.
    tokens: Vec<u32>,
    prompt_length: usize,
    cached: usize,
    /// The answer ends when `tokens` is this long.
    limit: usize,
    sampler: Sampler,
    text: TextStream,
    logits: Vec<f32>,
    /// Tokens of the prompt in one step.
    chunk: usize,
    /// Tokens that end an answer are tokens like any other.
    endless: bool,
    finished: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A chunk of the prompt was computed; `done` of `total` prompt tokens are in the KV cache.
    Prefilled { done: usize, total: usize },
    /// The next token was decoded. `text` is empty while a character or a possible stop string is
    /// incomplete.
    Text { text: String, token_id: u32 },
    /// The end; the iterator yields nothing after it. `text` is what was still held back.
    Finished { text: String, reason: FinishReason },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model ended its answer, or a stop string was met.
    Stop,
    /// `max_tokens` or the end of the context was reached.
    Length,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub prompt_tokens: usize,
    /// Those that the KV cache already held.
    pub cached_tokens: usize,
    pub completion_tokens: usize,
}

impl<'engine> Session<'engine> {
    /// Takes at most `most_cached` tokens from what the KV cache holds.
    pub(crate) fn start(
        engine: &'engine mut Engine,
        prompt: Vec<u32>,
        text: TextStream,
        sampling: &Sampling,
        most_cached: usize,
    ) -> Result<Self, EngineError> {
        let context_length = engine.info().context_length;
        let prompt_length = prompt.len();
        if prompt_length >= context_length {
            return Err(EngineError::ContextLengthExceeded {
                prompt_tokens: prompt_length,
                context_length,
            });
        }
        // The last token is always computed: its logits choose the first token of the answer.
        let limit = most_cached.min(prompt_length - 1);
        let cached = engine.model.cache.begin(&prompt, limit);
        let room = context_length - prompt_length;
        Ok(Self {
            engine,
            tokens: prompt,
            prompt_length,
            cached,
            limit: prompt_length + sampling.max_tokens.unwrap_or(room).min(room),
            sampler: Sampler::new(sampling),
            text,
            logits: Vec::new(),
            chunk: CHUNK,
            endless: false,
            finished: false,
        })
    }

    /// How many tokens of the prompt a step computes at most: 1 to 256. Fewer make shorter steps, so
    /// that whoever steps can do something else sooner; the answer stays the same.
    pub fn set_chunk(&mut self, tokens: usize) {
        self.chunk = tokens.clamp(1, CHUNK);
    }

    /// Goes on to the last token that was asked for, whatever the model says.
    pub(crate) fn ignore_ends(&mut self) {
        self.endless = true;
    }

    pub fn usage(&self) -> Usage {
        Usage {
            prompt_tokens: self.prompt_length,
            cached_tokens: self.cached,
            completion_tokens: self.tokens.len() - self.prompt_length,
        }
    }

    /// What the model says after the prompt, before any sampling: the `count` likeliest tokens, those
    /// that the repeat penalty would change, and a summary of the others. `None` before the prompt is
    /// computed, and once the answer has begun: sampling changes the logits.
    pub fn distribution(&self, count: usize) -> Option<Distribution> {
        if self.logits.is_empty() || self.finished || self.tokens.len() > self.prompt_length {
            return None;
        }
        let recent = &self.tokens[self.tokens.len().saturating_sub(REPEAT_WINDOW)..];
        let tokenizer = &self.engine.tokenizer;
        Some(Distribution::of(&self.logits, recent, count, tokenizer))
    }

    fn step(&mut self) -> Step {
        if self.text.stopped() {
            return self.finish(FinishReason::Stop);
        }
        if self.tokens.len() >= self.limit {
            return self.finish(FinishReason::Length);
        }
        let model = &mut self.engine.model;
        let computed = model.cache.length();
        if computed < self.tokens.len() {
            let chunk = &self.tokens[computed..];
            let chunk = &chunk[..chunk.len().min(self.chunk)];
            model.forward(chunk);
            let done = computed + chunk.len();
            if done == self.tokens.len() {
                model.last_logits(&mut self.logits);
            }
            if done <= self.prompt_length {
                return Step::Prefilled {
                    done,
                    total: self.prompt_length,
                };
            }
        }
        self.decode()
    }

    fn decode(&mut self) -> Step {
        let token_id = self.sampler.sample(&mut self.logits, &self.tokens);
        if !self.endless && self.engine.tokenizer.ends(token_id) {
            return self.finish(FinishReason::Stop);
        }
        self.tokens.push(token_id);
        let text = self.text.push(self.engine.tokenizer.bytes(token_id));
        if self.text.stopped() {
            self.finished = true;
            return Step::Finished {
                text,
                reason: FinishReason::Stop,
            };
        }
        Step::Text { text, token_id }
    }

    fn finish(&mut self, reason: FinishReason) -> Step {
        self.finished = true;
        Step::Finished {
            text: self.text.finish(),
            reason,
        }
    }
}

impl Iterator for Session<'_> {
    type Item = Result<Step, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        Some(Ok(self.step()))
    }
}
