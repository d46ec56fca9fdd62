//! How an answer's text is cut into tokens, where nobody told them. Models part from the tokeniser's way once in some
//! hundred tokens, and what follows makes no sense to them then: where a token is odd, other cuts are tried, from the same
//! place on or from shortly before.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Judgement;
use super::place::bytes_of;
use crate::Tokenizer;

/// How far below what sampling allows a token lies, in logits, before other cuts are tried. Rounding makes no such difference.
const ODD: f32 = 0.25;

/// How often one answer's text is cut in another way; each try is computed.
pub(super) const MOST_TRIES: usize = 32;

/// Tokens of a try that are computed in one step: it is decided after few.
pub(super) const TRIED: usize = 16;

/// Places before the odd one from which other cuts are tried: a cut may be as good as the model's own for some tokens.
const LOOKED_BACK: usize = 6;

/// The most that one token counts when cuts are compared, in logits.
const CLIP: f32 = 1.0;

/// Prompt and answer as tokens, and what was judged of the answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Cut {
    pub(super) tokens: Vec<u32>,
    /// Whether the answer's end is judged.
    pub(super) ended: bool,
    pub(super) judgements: Vec<Judgement>,
    /// At each place that is judged, what the text might go on with instead, the likeliest first.
    pub(super) others: Vec<Vec<u32>>,
}

impl Cut {
    pub(super) fn cost(&self) -> f32 {
        let margins = self.judgements.iter();
        margins.map(|judged| judged.sampling_margin.min(CLIP)).sum()
    }

    /// Whether the last place is odd and there is something to try instead: else stopping there would only cost a judge the
    /// rest of its step, at every token of a text that no model said.
    pub(super) fn is_doubtful(&self) -> bool {
        let odd = |judged: &Judgement| judged.sampling_margin > ODD;
        let near = self.others.len().saturating_sub(LOOKED_BACK + 1);
        self.judgements.last().is_some_and(odd)
            && self.others[near..].iter().any(|others| !others.is_empty())
    }

    /// What comes before one of the answer's places.
    pub(super) fn up_to(&self, place: usize, first: usize) -> Self {
        Self {
            tokens: self.tokens[..first + place].to_vec(),
            ended: self.ended,
            judgements: self.judgements[..place].to_vec(),
            others: self.others[..place].to_vec(),
        }
    }

    /// How much of the text is judged, in bytes; its end counts as one.
    fn reach(&self, first: usize, tokenizer: &Tokenizer) -> usize {
        let judged = first + self.judgements.len();
        let tokens = &self.tokens[first..judged.min(self.tokens.len())];
        bytes_of(tokens, tokenizer).len() + judged.saturating_sub(self.tokens.len())
    }
}

/// A cut whose last place is odd, while others are tried.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) cut: Cut,
    reach: usize,
    /// Cuts, how many of their places stay, and what is tried there. An answer may be long: one copy is for all its places.
    untried: VecDeque<(Arc<Cut>, usize, u32)>,
}

impl Doubt {
    pub(super) fn of(cut: &Cut, first: usize, tokenizer: &Tokenizer) -> Self {
        let mut doubt = Self {
            cut: cut.clone(),
            reach: cut.reach(first, tokenizer),
            untried: VecDeque::new(),
        };
        let last = cut.judgements.len() - 1;
        doubt.branch_off(cut, last.saturating_sub(LOOKED_BACK));
        doubt
    }

    /// A cut is no better from this place on, but may be with another change behind it; that is tried when all that takes
    /// fewer changes has been.
    pub(super) fn branch_off(&mut self, cut: &Cut, from: usize) {
        let places = (from..cut.judgements.len()).rev();
        let others =
            places.flat_map(|place| cut.others[place].iter().map(move |&token| (place, token)));
        let mut others = others.peekable();
        if others.peek().is_some() {
            let cut = Arc::new(cut.clone());
            let untried = others.map(|(place, token)| (Arc::clone(&cut), place, token));
            self.untried.extend(untried);
        }
    }

    /// The beginning of a cut, and what is to be tried behind it.
    pub(super) fn next(&mut self, first: usize) -> Option<(Cut, u32)> {
        let (cut, place, token) = self.untried.pop_front()?;
        Some((cut.up_to(place, first), token))
    }

    /// Whether the cut that is tried is no better already, or has come as far as this one.
    pub(super) fn is_decided(&self, tried: &Cut, first: usize, tokenizer: &Tokenizer) -> bool {
        tried.cost() >= self.cut.cost() || tried.reach(first, tokenizer) >= self.reach
    }
}
