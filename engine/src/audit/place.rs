//! One place of an answer, and how what was said there compares with what the model would have said.

use super::Judgement;
use crate::Tokenizer;
use crate::sampler::{REPEAT_WINDOW, Sampler, argmax};

/// Other tokens at one place that another way of cutting the text may begin with.
const MOST_OTHERS: usize = 2;

pub(super) struct Place<'a> {
    /// Prompt and answer up to here.
    pub(super) said: &'a [u32],
    /// Where the answer begins.
    pub(super) first: usize,
    /// What was said here; none at the answer's end.
    pub(super) next: Option<u32>,
    pub(super) tokenizer: &'a Tokenizer,
}

impl Place<'_> {
    /// `draw`: what chose the token, if it is honest.
    pub(super) fn by_draw(
        &self,
        logits: &[f32],
        draw: f32,
        sampler: &mut Sampler,
        scratch: &mut Vec<f32>,
    ) -> Judgement {
        let token = self.token(logits);
        scratch.clear();
        scratch.extend_from_slice(logits);
        let sampling_margin = sampler.distance(scratch, self.said, token, draw);
        let (_, largest) = argmax(scratch);
        Judgement {
            logit_margin: largest - scratch[token as usize],
            sampling_margin,
        }
    }

    /// `text`: the answer, where it may be cut in another way. Tells what sampling allows that it goes on with as well.
    pub(super) fn by_sampling(
        &self,
        logits: &[f32],
        text: Option<&str>,
        sampler: &mut Sampler,
        scratch: &mut Vec<f32>,
    ) -> (Judgement, Vec<u32>) {
        let token = self.token(logits);
        let rest = text.and_then(|text| self.rest(text));
        let mut others = Vec::new();
        let mut kindest: Option<Judgement> = None;
        for recent in self.views(sampler) {
            scratch.clear();
            scratch.extend_from_slice(logits);
            let (largest, least) = sampler.allowed(scratch, recent);
            let logit = scratch[token as usize];
            let judged = Judgement {
                logit_margin: (largest - logit).max(0.0),
                sampling_margin: (least - logit).max(0.0),
            };
            if let Some(rest) = rest {
                self.add_beginnings(rest, scratch, least, &mut others);
            }
            if kindest.is_none_or(|kindest| judged.sampling_margin < kindest.sampling_margin) {
                kindest = Some(judged);
            }
        }
        (kindest.expect("there is a view"), others)
    }

    /// What a repeat penalty may look back on. Runtimes differ in that, or know none: whichever view is kindest to the
    /// token counts.
    fn views(&self, sampler: &Sampler) -> Vec<&[u32]> {
        let window = self.said.len().saturating_sub(REPEAT_WINDOW);
        let mut views = vec![self.said];
        if sampler.penalises() {
            views.extend([&self.said[self.first.max(window)..], &[]]);
        }
        views
    }

    /// What was said, or the likeliest token that ends an answer.
    fn token(&self, logits: &[f32]) -> u32 {
        self.next.unwrap_or_else(|| {
            let ending = (0..)
                .zip(logits)
                .filter(|&(token, _)| self.tokenizer.ends(token));
            let likeliest = ending.max_by(|a, b| a.1.total_cmp(b.1));
            likeliest.map_or(0, |(token, _)| token)
        })
    }

    /// What follows in the text; none where it does not go on with the next token, since a tokeniser may write a
    /// text in another way.
    fn rest<'a>(&self, text: &'a str) -> Option<&'a str> {
        let said = &self.said[self.first..];
        let bytes = said.iter().map(|&token| self.tokenizer.bytes(token).len());
        let rest: &str = text.get(bytes.sum()..)?;
        let next = self.tokenizer.bytes(self.next?);
        rest.as_bytes().starts_with(next).then_some(rest)
    }

    /// The likeliest tokens of at least this logit that the text begins with, but the one that was said.
    fn add_beginnings(&self, text: &str, logits: &[f32], least: f32, others: &mut Vec<u32>) {
        let begins = |token: u32| {
            let bytes = self.tokenizer.bytes(token);
            let is_whole = text.is_char_boundary(bytes.len());
            !bytes.is_empty() && is_whole && text.as_bytes().starts_with(bytes)
        };
        let allowed = (0..).zip(logits).filter(|&(_, logit)| *logit >= least);
        let mut begin: Vec<_> = allowed
            .filter(|&(token, _)| Some(token) != self.next && begins(token))
            .collect();
        begin.sort_by(|a, b| b.1.total_cmp(a.1));
        for (token, _) in begin {
            if others.len() < MOST_OTHERS && !others.contains(&token) {
                others.push(token);
            }
        }
    }
}

pub(super) fn bytes_of(tokens: &[u32], tokenizer: &Tokenizer) -> Vec<u8> {
    let bytes = tokens.iter().flat_map(|&token| tokenizer.bytes(token));
    bytes.copied().collect()
}
