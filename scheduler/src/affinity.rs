//! What of a prompt a node holds already: the prefixes of conversations that it answered, so that a
//! conversation finds back to the node with its KV cache. Fingerprints only, never text.

use std::cmp::Reverse;
use std::collections::HashMap;

/// The beginning of a prompt up to the end of one of its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Of everything up to here, in whatever way all prompts have in common.
    pub fingerprint: u64,
    /// How many tokens that is, about.
    pub tokens: u32,
}

/// More than any cache has conversations for; tokens are what usually limits it.
const MOST_PREFIXES: usize = 256;

/// The prefixes that are probably in one model's KV cache on one node. A prefix is only there while
/// all shorter ones of its conversation are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remembered {
    prefixes: HashMap<u64, Entry>,
    uses: u64,
    tokens: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    last_use: u64,
    /// Where it ends.
    end: u32,
    /// Tokens since the end of the prefix before it.
    tokens: u32,
}

impl Remembered {
    /// How many tokens of a prompt with these prefixes, the shortest first, need no prefill.
    pub(crate) fn held_tokens(&self, prefixes: &[Prefix]) -> u32 {
        let held = prefixes
            .iter()
            .take_while(|prefix| self.prefixes.contains_key(&prefix.fingerprint));
        held.last().map_or(0, |prefix| prefix.tokens)
    }

    /// The node computed a prompt with these prefixes. What was not used for longest gives way, from
    /// its end: as it does in the engine's own cache.
    pub(crate) fn remember(&mut self, prefixes: &[Prefix], most_tokens: u32) {
        self.uses += 1;
        let mut before = 0;
        for prefix in prefixes {
            let tokens = prefix.tokens.saturating_sub(before);
            before = prefix.tokens;
            let entry = Entry {
                last_use: self.uses,
                end: prefix.tokens,
                tokens,
            };
            self.tokens += u64::from(tokens);
            if let Some(old) = self.prefixes.insert(prefix.fingerprint, entry) {
                self.tokens -= u64::from(old.tokens);
            }
        }
        while self.tokens > u64::from(most_tokens) || self.prefixes.len() > MOST_PREFIXES {
            let oldest = self
                .prefixes
                .iter()
                .min_by_key(|(_, entry)| (entry.last_use, Reverse(entry.end)));
            let Some((&fingerprint, entry)) = oldest else {
                return;
            };
            self.tokens -= u64::from(entry.tokens);
            self.prefixes.remove(&fingerprint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A conversation whose messages have a hundred tokens each.
    fn conversation(fingerprints: &[u64]) -> Vec<Prefix> {
        let prefix = |(&fingerprint, tokens)| Prefix {
            fingerprint,
            tokens,
        };
        fingerprints
            .iter()
            .zip((100..).step_by(100))
            .map(prefix)
            .collect()
    }

    #[test]
    fn a_conversation_that_goes_on_is_held_as_far_as_it_was() {
        let mut remembered = Remembered::default();
        assert_eq!(remembered.held_tokens(&conversation(&[1, 2])), 0);
        remembered.remember(&conversation(&[1, 2]), 4096);
        assert_eq!(remembered.held_tokens(&conversation(&[1, 2, 3, 4])), 200);
        assert_eq!(remembered.held_tokens(&conversation(&[1, 9])), 100);
        assert_eq!(remembered.held_tokens(&conversation(&[9, 2])), 0);
        assert_eq!(remembered.held_tokens(&[]), 0);
    }

    #[test]
    fn what_was_not_used_for_longest_gives_way_from_its_end() {
        let mut remembered = Remembered::default();
        remembered.remember(&conversation(&[1, 2, 3]), 600);
        remembered.remember(&conversation(&[1, 7, 8, 9]), 600);
        assert_eq!(remembered.held_tokens(&conversation(&[1, 2, 3])), 300);
        remembered.remember(&conversation(&[1, 7, 8, 9, 10]), 600);
        assert_eq!(remembered.held_tokens(&conversation(&[1, 2, 3])), 200);
        assert_eq!(
            remembered.held_tokens(&conversation(&[1, 7, 8, 9, 10])),
            500
        );
    }

    #[test]
    fn it_never_holds_more_than_a_cache_does() {
        let mut remembered = Remembered::default();
        for start in 0..1000 {
            let fingerprints: Vec<u64> = (start..start + 40).collect();
            remembered.remember(&conversation(&fingerprints), 1_000_000);
            assert!(remembered.prefixes.len() <= MOST_PREFIXES);
        }
        remembered.remember(&conversation(&[5, 6, 7]), 50);
        assert_eq!((remembered.prefixes.len(), remembered.tokens), (0, 0));
    }
}
