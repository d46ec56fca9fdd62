//! Somebody else's answer, judged: one pass over the prompt and the answer, in steps, that tells for each
//! token how far it lies below what the prompt's sampling would have chosen.

mod cut;
mod place;

use std::ops::Range;

use crate::compute::blocking;
use crate::model::CHUNK;
use crate::sampler::Sampler;
use crate::{Engine, EngineError, FinishReason, Input, Sampling};
use cut::{Cut, Doubt};
use place::{Place, bytes_of};

/// The longest beginning of a token that a stop string leaves, in bytes; more is no beginning of one.
const LONGEST_CUT: usize = 24;

/// Tokens by which an answer may be shorter than the limit that is said to have ended it: the last of them may have
/// made no whole character, of which none has more than four bytes, and then nobody told of them.
const UNTOLD: usize = 3;

/// Where nobody told the tokens: text becomes somewhat fewer of them than the model had made it of, one in so many.
const RETOKENISED: usize = 8;

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
    /// Prompt and answer, and what is judged of it; empty until the first step.
    cut: Cut,
    /// Where the answer begins.
    first: usize,
    /// How often its text may still be cut in another way; never where its tokens were told.
    tries_left: usize,
    /// What is to be bettered by the cut that is tried.
    doubt: Option<Box<Doubt>>,
    /// The place from which on it is another one.
    changed: usize,
    /// What drew each token and the end, where that is known.
    draws: Vec<f32>,
    /// Tokens that were computed.
    computed: usize,
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
            cut: Cut::default(),
            first: 0,
            tries_left: 0,
            doubt: None,
            changed: 0,
            draws: Vec::new(),
            computed: 0,
        }
    }

    /// Computes up to `chunk` tokens (1 to 256); true once everything is judged.
    pub fn step(&mut self, engine: &mut Engine, chunk: usize) -> Result<bool, EngineError> {
        if self.cut.tokens.is_empty() {
            self.begin(engine)?;
        }
        if self.is_done() {
            return Ok(true);
        }
        // Logits of every token before the answer's first are of no use, so that much may be
        // somebody else's beginning.
        let limit = self.computed.max(self.first - 1);
        let cached = engine.compute.begin(&self.cut.tokens, limit);
        let most = if self.doubt.is_some() {
            cut::TRIED
        } else {
            CHUNK
        };
        let end = (cached + chunk.clamp(1, most)).min(self.cut.tokens.len());
        blocking(engine.compute.forward(&self.cut.tokens[cached..end]))?;
        self.computed = end;
        // The logits after a token judge the next one.
        let next = self.first - 1 + self.cut.judgements.len();
        if next < end && self.judge(engine, cached, next..end)? {
            self.weigh(engine)?;
        }
        Ok(self.is_done())
    }

    /// One for each token of the answer, and one for its end where that is judged.
    pub fn into_judgements(self) -> Vec<Judgement> {
        self.cut.judgements
    }

    fn is_done(&self) -> bool {
        let end = usize::from(self.cut.ended);
        self.cut.judgements.len() == self.cut.tokens.len() - self.first + end
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
        self.tries_left = if answer.told { 0 } else { cut::MOST_TRIES };
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
        self.first = first;
        self.cut = Cut {
            tokens,
            ended: ended && is_whole,
            ..Cut::default()
        };
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

    /// `at`: the positions whose logits are wanted; `start`: the position of the last forward pass's first token. Stops,
    /// and says so, where it is to be weighed whether the text is cut as it should be.
    fn judge(
        &mut self,
        engine: &mut Engine,
        start: usize,
        at: Range<usize>,
    ) -> Result<bool, EngineError> {
        // Without an end to judge, nothing follows the last token.
        let most = self.cut.tokens.len() - usize::from(!self.cut.ended);
        let at = at.start..at.end.min(most);
        let rows = at.start - start..at.end - start;
        let is_seeded = self.is_seeded();
        let mut sampler = Sampler::new(&self.request.sampling);
        let mut scratch = Vec::new();
        let mut stopped = false;
        let Self {
            cut,
            first,
            request,
            draws,
            doubt,
            tries_left,
            ..
        } = self;
        let first = *first;
        blocking(engine.compute.each_logits(rows, |index, logits| {
            if stopped {
                return;
            }
            let before = at.start + index + 1;
            let place = Place {
                said: &cut.tokens[..before],
                first,
                next: cut.tokens.get(before).copied(),
                tokenizer: &engine.tokenizer,
            };
            let (judgement, others) = if is_seeded {
                let draw = draws[before - first];
                let judgement = place.by_draw(logits, draw, &mut sampler, &mut scratch);
                (judgement, Vec::new())
            } else {
                let may_be_cut = *tries_left > 0 || doubt.is_some();
                let text = may_be_cut.then_some(request.answer.as_str());
                place.by_sampling(logits, text, &mut sampler, &mut scratch)
            };
            cut.judgements.push(judgement);
            cut.others.push(others);
            stopped = match doubt {
                Some(doubt) => doubt.is_decided(cut, first, &engine.tokenizer),
                None => *tries_left > 0 && cut.is_doubtful(),
            };
        }))?;
        Ok(stopped)
    }

    /// What is odd may only be cut as the model had not: keeps the better of two cuts, and tries the next one.
    fn weigh(&mut self, engine: &Engine) -> Result<(), EngineError> {
        let doubt = match self.doubt.take() {
            Some(doubt) if self.cut.cost() < doubt.cut.cost() => None,
            Some(mut doubt) => {
                doubt.branch_off(&self.cut, self.changed + 1);
                Some(doubt)
            }
            None => Some(Box::new(Doubt::of(
                &self.cut,
                self.first,
                &engine.tokenizer,
            ))),
        };
        if let Some(mut doubt) = doubt {
            self.cut = doubt.cut.clone();
            while self.tries_left > 0
                && let Some((mut cut, token)) = doubt.next(self.first)
            {
                self.changed = cut.judgements.len();
                cut.tokens.push(token);
                let said = bytes_of(&cut.tokens[self.first..], &engine.tokenizer).len();
                let rest = self.tokenised(&self.request.answer[said..], engine)?;
                cut.tokens.extend(rest);
                let context_length = engine.info().context_length;
                cut.ended &= cut.tokens.len() <= context_length;
                cut.tokens.truncate(context_length);
                if cut.tokens != doubt.cut.tokens {
                    self.tries_left -= 1;
                    self.cut = cut;
                    self.doubt = Some(doubt);
                    break;
                }
            }
        }
        // The logits before the next place are needed once more.
        self.computed = self.first + self.cut.judgements.len() - 1;
        Ok(())
    }
}
