//! Somebody else's answer, judged: one pass over the prompt and the answer, in steps, that tells for each
//! token how far it lies below what the prompt's sampling would have chosen.

mod place;

use std::ops::Range;

use crate::compute::blocking;
use crate::model::CHUNK;
use crate::sampler::Sampler;
use crate::{Engine, EngineError, FinishReason, Input, Sampling};
use place::{Found, Place, bytes_of};

/// The longest beginning of a token that a stop string leaves, in bytes; more is no beginning of one.
const LONGEST_CUT: usize = 24;

/// Tokens by which an answer may be shorter than the limit that is said to have ended it: the last of them may have
/// made no whole character, of which none has more than four bytes, and then nobody told of them.
const UNTOLD: usize = 3;

/// Where nobody told the tokens: text becomes somewhat fewer of them than the model had made it of, one in so many.
const RETOKENISED: usize = 8;

/// How often the text of one answer is cut in another way; each takes a step more. Models part from the tokeniser's way
/// once in some hundred tokens.
const MOST_SEAMS: usize = 16;

/// Tokens that another runtime's template may give a prompt besides.
const OF_A_TEMPLATE: usize = 16;

/// An answer, and what it claims to answer.
#[derive(Clone, Debug)]
pub struct AuditRequest {
    pub input: Input,
    pub sampling: Sampling,
    pub answer: String,
    /// The answer's tokens as its node told them; empty where it told none. They count only where
    /// they make this very text: else it is tokenised anew.
    pub token_ids: Vec<u32>,
    /// What is said to have ended the answer; none where it was broken off. If that was the model, its end is
    /// judged, too; so it is where a limit is said to have been reached that was not.
    pub finish_reason: Option<FinishReason>,
    /// The context of whoever answered; none where nobody knows.
    pub context_length: Option<usize>,
    /// Whether the tokens, which were told, were drawn as this engine draws them, with the very seed: then chance explains
    /// none.
    pub seeded: bool,
}

/// How one token of the answer, or its end, compares with what the model would have said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Its logit below the likeliest token's; at least 0.
    pub logit_margin: f32,
    /// Its logit below that of the least likely token that the prompt's sampling allows; at least 0. Where tokens were
    /// drawn with a known seed: how far from its place the draw was, as a share of the probability, from 0 to 1.
    pub sampling_margin: f32,
}

/// An audit under way. Between two steps the engine may answer prompts: what an audit has computed
/// stays in the KV cache as long as nobody needs the room, and is computed again where it is gone.
#[derive(Debug)]
pub struct Audit {
    request: AuditRequest,
    /// Prompt and answer; empty until the first step.
    tokens: Vec<u32>,
    /// Where the answer begins.
    first: usize,
    /// Whether the answer's end is judged.
    ended: bool,
    /// How often its text may still be cut in another way; never where its tokens were told.
    seams_left: usize,
    /// What drew each token and the end, where that is known.
    draws: Vec<f32>,
    /// Tokens that were computed.
    computed: usize,
    judgements: Vec<Judgement>,
}

struct AnswerTokens {
    tokens: Vec<u32>,
    /// By whoever answered.
    told: bool,
}

impl Audit {
    pub fn new(request: AuditRequest) -> Self {
        Self {
            request,
            tokens: Vec::new(),
            first: 0,
            ended: false,
            seams_left: 0,
            draws: Vec::new(),
            computed: 0,
            judgements: Vec::new(),
        }
    }

    /// Computes up to `chunk` tokens (1 to 256); true once everything is judged.
    pub fn step(&mut self, engine: &mut Engine, chunk: usize) -> Result<bool, EngineError> {
        if self.tokens.is_empty() {
            self.begin(engine)?;
        }
        if self.is_done() {
            return Ok(true);
        }
        // Logits of every token before the answer's first are of no use, so that much may be
        // somebody else's beginning.
        let limit = self.computed.max(self.first - 1);
        let cached = engine.compute.begin(&self.tokens, limit);
        let end = (cached + chunk.clamp(1, CHUNK)).min(self.tokens.len());
        blocking(engine.compute.forward(&self.tokens[cached..end]))?;
        self.computed = end;
        // The logits after a token judge the next one.
        let next = self.first - 1 + self.judgements.len();
        if next < end
            && let Some(token) = self.judge(engine, cached, next..end)?
        {
            self.go_on_with(token, engine)?;
        }
        Ok(self.is_done())
    }

    /// One for each token of the answer, and one for its end where that is judged.
    pub fn into_judgements(self) -> Vec<Judgement> {
        self.judgements
    }

    fn is_done(&self) -> bool {
        let end = usize::from(self.ended);
        self.judgements.len() == self.tokens.len() - self.first + end
    }

    fn begin(&mut self, engine: &Engine) -> Result<(), EngineError> {
        let mut tokens = engine.prompt_tokens(&self.request.input)?;
        let first = tokens.len();
        let answer = self.answer_tokens(engine)?;
        let ended = match self.request.finish_reason {
            None => false,
            // An answer that a stop string may have ended says nothing of the model's own end.
            Some(FinishReason::Stop) => self.request.sampling.stop.is_empty(),
            Some(FinishReason::Length) => !self.is_full(first, &answer),
        };
        self.seams_left = if answer.told { 0 } else { MOST_SEAMS };
        if self.is_seeded() {
            // Tokens that don't make the text are a lie: their draws count as if they did.
            let sampler = Sampler::new(&self.request.sampling);
            self.draws = sampler.uniforms(0..answer.tokens.len() + 1);
        }
        tokens.extend(answer.tokens);
        let context_length = engine.info().context_length;
        if first >= context_length {
            return Err(EngineError::ContextLengthExceeded {
                prompt_tokens: first,
                context_length,
            });
        }
        let is_whole = tokens.len() <= context_length;
        // Length is no way out: what fits is judged.
        tokens.truncate(context_length);
        self.ended = ended && is_whole;
        self.first = first;
        self.tokens = tokens;
        Ok(())
    }

    fn is_seeded(&self) -> bool {
        self.request.seeded && !self.request.sampling.is_greedy()
    }

    /// Whether the answer to a prompt of so many tokens is as long as `max_tokens` or a context allows.
    fn is_full(&self, prompt_tokens: usize, answer: &AnswerTokens) -> bool {
        let retokenised = if answer.told {
            0
        } else {
            answer.tokens.len() / RETOKENISED
        };
        let most = answer.tokens.len() + UNTOLD + retokenised;
        let limit = self.request.sampling.max_tokens;
        let context = self.request.context_length;
        limit.is_some_and(|limit| most >= limit)
            || context.is_some_and(|context| prompt_tokens + most + OF_A_TEMPLATE >= context)
    }

    /// The tokens to judge: the node's own where they make the text that the reader got, and nothing
    /// else that would count in its favour.
    fn answer_tokens(&self, engine: &Engine) -> Result<AnswerTokens, EngineError> {
        let AuditRequest {
            answer,
            token_ids,
            sampling,
            ..
        } = &self.request;
        // An id that is none must not make an answer one that nobody can judge.
        let is_known = engine.check_tokens(token_ids).is_ok();
        let known = if is_known { token_ids.as_slice() } else { &[] };
        let bytes = bytes_of(known, &engine.tokenizer);
        // What an answer held back, since a stop string might have begun in it.
        let held_back = sampling.stop.iter().map(String::len).max().unwrap_or(0);
        // The token in which a stop string ended is not told, but what it has before that is shown.
        let cut_off = if sampling.stop.is_empty() {
            0
        } else {
            LONGEST_CUT
        };
        let text = String::from_utf8_lossy(&bytes);
        let behind = text.strip_prefix(answer.as_str()).map(str::len);
        let before = answer.strip_prefix(&*text).map(str::len);
        let fits = behind.is_some_and(|rest| rest <= held_back)
            || before.is_some_and(|rest| rest <= cut_off);
        // No ids at all fit no text at all, and tell nothing of it.
        if is_known && fits && (answer.is_empty() || !token_ids.is_empty()) {
            let (tokens, told) = (token_ids.clone(), true);
            return Ok(AnswerTokens { tokens, told });
        }
        let (tokens, told) = (self.tokenised(answer, engine)?, false);
        Ok(AnswerTokens { tokens, told })
    }

    fn tokenised(&self, text: &str, engine: &Engine) -> Result<Vec<u32>, EngineError> {
        let mut tokens = engine.tokenizer.encode(text)?;
        if !self.request.sampling.stop.is_empty() {
            // As likely as not only a part of what the model said there.
            tokens.pop();
        }
        Ok(tokens)
    }

    /// Cuts the text behind what is judged in another way: first this token, and anew what follows. The token is judged
    /// with what follows, when that is computed.
    fn go_on_with(&mut self, token: u32, engine: &Engine) -> Result<(), EngineError> {
        let at = self.first + self.judgements.len();
        self.tokens.truncate(at);
        self.tokens.push(token);
        let said = bytes_of(&self.tokens[self.first..], &engine.tokenizer).len();
        let rest = self.tokenised(&self.request.answer[said..], engine)?;
        self.tokens.extend(rest);
        let context_length = engine.info().context_length;
        self.ended &= self.tokens.len() <= context_length;
        self.tokens.truncate(context_length);
        self.seams_left -= 1;
        // The logits before it are needed once more.
        self.computed = at - 1;
        Ok(())
    }

    /// `at`: the positions whose logits are wanted; `start`: the position of the last forward pass's
    /// first token. Stops where the text is to be cut in another way, and returns the token that it goes on with then.
    fn judge(
        &mut self,
        engine: &mut Engine,
        start: usize,
        at: Range<usize>,
    ) -> Result<Option<u32>, EngineError> {
        // Without an end to judge, nothing follows the last token.
        let most = self.tokens.len() - usize::from(!self.ended);
        let at = at.start..at.end.min(most);
        let rows = at.start - start..at.end - start;
        let is_seeded = self.is_seeded();
        let mut sampler = Sampler::new(&self.request.sampling);
        let mut scratch = Vec::new();
        let mut other = None;
        blocking(engine.compute.each_logits(rows, |index, logits| {
            if other.is_some() {
                return;
            }
            let before = at.start + index + 1;
            let place = Place {
                said: &self.tokens[..before],
                first: self.first,
                next: self.tokens.get(before).copied(),
                tokenizer: &engine.tokenizer,
            };
            let found = if is_seeded {
                let draw = self.draws[before - self.first];
                Found::Judged(place.by_draw(logits, draw, &mut sampler, &mut scratch))
            } else {
                let text = (self.seams_left > 0).then_some(self.request.answer.as_str());
                place.by_sampling(logits, text, &mut sampler, &mut scratch)
            };
            match found {
                Found::Judged(judgement) => self.judgements.push(judgement),
                Found::Seam(token) => other = Some(token),
            }
        }))?;
        Ok(other)
    }
}
