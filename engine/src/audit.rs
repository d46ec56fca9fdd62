//! Somebody else's answer, judged: one pass over the prompt and the answer, in steps, that tells for each
//! token how far it lies below what the prompt's sampling would have chosen.

use crate::compute::blocking;
use crate::model::CHUNK;
use crate::sampler::{REPEAT_WINDOW, Sampler};
use crate::{Engine, EngineError, FinishReason, Input, Sampling};

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
}

/// How one token of the answer, or its end, compares with what the model would have said. Both are
/// differences of logits, at least 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Below the likeliest token.
    pub logit_margin: f32,
    /// Below the least likely token that the prompt's sampling allows.
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
        if next < end {
            self.judge(engine, cached, next..end)?;
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
        let mut bytes = Vec::new();
        for &token in token_ids.iter().filter(|_| is_known) {
            bytes.extend_from_slice(engine.tokenizer.bytes(token));
        }
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
        let mut tokens = engine.tokenizer.encode(answer)?;
        if cut_off > 0 {
            // As likely as not only a part of what the model said there.
            tokens.pop();
        }
        let told = false;
        Ok(AnswerTokens { tokens, told })
    }

    /// `at`: the positions whose logits are wanted; `start`: the position of the last forward pass's
    /// first token.
    fn judge(
        &mut self,
        engine: &mut Engine,
        start: usize,
        at: std::ops::Range<usize>,
    ) -> Result<(), EngineError> {
        // Without an end to judge, nothing follows the last token.
        let most = self.tokens.len() - usize::from(!self.ended);
        let at = at.start..at.end.min(most);
        let (tokens, first) = (&self.tokens, self.first);
        let tokenizer = &engine.tokenizer;
        let mut sampler = Sampler::new(&self.request.sampling);
        let mut scratch = Vec::new();
        let judgements = &mut self.judgements;
        let begin = at.start;
        let rows = at.start - start..at.end - start;
        blocking(engine.compute.each_logits(rows, |index, logits| {
            let before = begin + index + 1;
            let chosen = |logits: &[f32]| match tokens.get(before) {
                Some(&token) => logits[token as usize],
                None => (0..)
                    .zip(logits)
                    .fold(f32::NEG_INFINITY, |best, (id, &logit)| {
                        if tokenizer.ends(id) {
                            best.max(logit)
                        } else {
                            best
                        }
                    }),
            };
            // Runtimes differ in which tokens a repeat penalty looks back on, or know none:
            // whichever view is kindest to the token counts.
            let all = &tokens[..before];
            let answer = &tokens[first.max(before.saturating_sub(REPEAT_WINDOW))..before];
            let mut views = vec![all];
            if sampler.penalises() {
                views.extend([answer, &[]]);
            }
            let views = views.into_iter().map(|recent| {
                scratch.clear();
                scratch.extend_from_slice(logits);
                let (largest, least) = sampler.allowed(&mut scratch, recent);
                let logit = chosen(&scratch);
                Judgement {
                    logit_margin: (largest - logit).max(0.0),
                    sampling_margin: (least - logit).max(0.0),
                }
            });
            judgements.extend(views.min_by(|a, b| a.sampling_margin.total_cmp(&b.sampling_margin)));
        }))
    }
}
