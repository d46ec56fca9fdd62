//! One prompt being answered, a step at a time.

use crate::compute::blocking;
use crate::gpu::{AHEAD, MOST_AHEAD};
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
    /// Tokens of the prompt whose work is one step.
    step: usize,
    /// Tokens of the answer that a GPU computes before anybody looks at them.
    ahead: usize,
    /// Tokens that end an answer are tokens like any other.
    endless: bool,
    finished: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// More of the prompt was computed: the work of `done` of `total` tokens is done.
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
    /// The last `said` tokens of the prompt are the answer's beginning, and have been drawn. Takes at most `most_cached`
    /// tokens from what the KV cache holds.
    pub(crate) fn start(
        engine: &'engine mut Engine,
        prompt: Vec<u32>,
        said: usize,
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
        let cached = engine.compute.begin(&prompt, limit);
        let room = context_length - prompt_length;
        let mut sampler = Sampler::new(sampling);
        sampler.skip(said);
        Ok(Self {
            engine,
            tokens: prompt,
            prompt_length,
            cached,
            limit: prompt_length + sampling.max_tokens.unwrap_or(room).min(room),
            sampler,
            text,
            logits: Vec::new(),
            step: CHUNK,
            ahead: AHEAD,
            endless: false,
            finished: false,
        })
    }

    /// How much of the prompt a step computes: what so many tokens cost, 1 to 256, but at least one layer of what is
    /// computed together. Less makes shorter steps, so that whoever steps can do something else sooner; the answer
    /// stays the same.
    pub fn set_step(&mut self, tokens: usize) {
        self.step = tokens.clamp(1, CHUNK);
    }

    /// How many tokens a GPU computes between two looks at the answer: 1 to 32. Fewer make shorter steps and
    /// waste less where an answer ends or is cancelled; more keep a fast GPU busy.
    pub fn set_ahead(&mut self, tokens: usize) {
        self.ahead = tokens.clamp(1, MOST_AHEAD);
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

    /// The next step, for callers that may not block while a GPU computes; what [`Iterator::next`] gives. After an
    /// error there are no more.
    pub async fn next_step(&mut self) -> Option<Result<Step, EngineError>> {
        if self.finished {
            return None;
        }
        let step = self.step().await;
        self.finished |= step.is_err();
        Some(step)
    }

    async fn step(&mut self) -> Result<Step, EngineError> {
        if self.text.stopped() {
            return Ok(self.finish(FinishReason::Stop));
        }
        if self.tokens.len() >= self.limit {
            return Ok(self.finish(FinishReason::Length));
        }
        let compute = &mut self.engine.compute;
        let computed = compute.length();
        if computed < self.prompt_length {
            let left = &self.tokens[computed..self.prompt_length];
            let done = computed + compute.forward_share(left, self.step).await?;
            if done == self.prompt_length {
                compute.last_logits(&mut self.logits).await?;
            }
            return Ok(Step::Prefilled {
                done,
                total: self.prompt_length,
            });
        }
        let token_id = self.choose(computed).await?;
        Ok(self.decode(token_id))
    }

    /// The next token; `computed` of those before it are computed.
    async fn choose(&mut self, computed: usize) -> Result<u32, EngineError> {
        let compute = &mut self.engine.compute;
        if computed < self.tokens.len() {
            let most = self.limit - self.tokens.len();
            let chosen = compute
                .next_token(&self.tokens, most, self.ahead, &mut self.sampler)
                .await;
            if let Some(token_id) = chosen {
                return token_id;
            }
            compute.forward(&self.tokens[computed..]).await?;
            compute.last_logits(&mut self.logits).await?;
        }
        Ok(self.sampler.sample(&mut self.logits, &self.tokens))
    }

    fn decode(&mut self, token_id: u32) -> Step {
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
        blocking(self.next_step())
    }
}
