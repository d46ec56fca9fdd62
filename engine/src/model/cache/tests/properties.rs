//! Whatever prompts come in whatever order, are given up or fill the context.

use std::cmp::Reverse;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

#[derive(Clone, Debug)]
enum Move {
    /// A prompt: a beginning of something that was once current, and some more.
    Begin {
        like: Index,
        common: Index,
        more: usize,
        token: u32,
        limit: usize,
    },
    /// A pass over what is left of the prompt, then of the answer.
    Compute { count: usize, token: u32 },
    /// A pass that was given up.
    Reserve { count: usize },
    /// An answer that ends where the context does.
    Fill,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let begin = (
        any::<Index>(),
        any::<Index>(),
        0..60usize,
        0..3u32,
        0..3usize,
    );
    let begin = begin.prop_map(|(like, common, more, token, below)| Move::Begin {
        like,
        common,
        more,
        token,
        limit: CONTEXT - below * 20,
    });
    let one = prop_oneof![
        4 => begin,
        4 => (1..70usize, 0..3u32).prop_map(|(count, token)| Move::Compute { count, token }),
        1 => (1..70usize).prop_map(|count| Move::Reserve { count }),
        1 => Just(Move::Fill),
    ];
    prop::collection::vec(one, 1..40)
}

/// Plays moves, calling `begun` with the cache as it was before each begin, and what came of it.
struct Player {
    cache: KvCache,
    once: Vec<Vec<u32>>,
    pending: Vec<u32>,
}

impl Player {
    fn new(blocks: usize) -> Self {
        Self {
            cache: cache_of(blocks),
            once: vec![Vec::new()],
            pending: Vec::new(),
        }
    }

    fn play(&mut self, one: &Move, begin: &mut dyn FnMut(&mut KvCache, &[u32], usize) -> usize) {
        let room = CONTEXT - self.cache.length();
        match one {
            Move::Begin {
                like,
                common,
                more,
                token,
                limit,
            } => {
                self.once.push(self.cache.prefixes.current.tokens.clone());
                let like = like.get(&self.once);
                let mut prompt = like[..common.index(like.len() + 1)].to_vec();
                prompt.extend(vec![*token; *more]);
                prompt.truncate(CONTEXT);
                let length = begin(&mut self.cache, &prompt, *limit);
                assert_eq!(self.cache.prefixes.current.tokens, prompt[..length]);
                self.pending = prompt.split_off(length);
            }
            Move::Compute { count, token } => self.compute((*count).min(room), *token),
            Move::Reserve { count } => self.cache.reserve((*count).min(room)),
            Move::Fill => {
                self.compute(room, 7);
                assert_eq!(self.cache.length(), CONTEXT);
            }
        }
        check(&self.cache);
    }

    fn compute(&mut self, count: usize, token: u32) {
        let mut tokens = std::mem::take(&mut self.pending);
        tokens.resize(tokens.len().max(count), token);
        self.pending = tokens.split_off(count);
        let before = others(&self.cache);
        compute(&mut self.cache, &tokens);
        check_who_gave_way(&self.cache, &before);
    }
}

/// The oldest gave all they had, the next one at its end, and only while nothing was free.
fn check_who_gave_way(cache: &KvCache, before: &[Vec<u32>]) {
    let after = others(cache);
    if after == before {
        return;
    }
    assert_eq!(free(cache), 0);
    let left = &before[before.len() - after.len()..];
    assert!(left.iter().skip(1).eq(after.iter().skip(1)));
    assert!(
        left.iter()
            .zip(&after)
            .all(|(before, after)| before.starts_with(after))
    );
}

/// The rules of [`Prefixes::begin`] on nothing but lists of tokens, the one used last at the end.
fn begin_naively(
    known: &mut Vec<Vec<u32>>,
    current: &[u32],
    prompt: &[u32],
    limit: usize,
) -> usize {
    if !current.is_empty() {
        let longer = known.iter().rposition(|known| known.starts_with(current));
        let last = longer.map_or_else(|| current.to_vec(), |index| known.remove(index));
        known.retain(|known| !last.starts_with(known));
        known.push(last);
    }
    let prompt = &prompt[..prompt.len().min(limit)];
    let common = |known: &[u32]| (0..=prompt.len()).rfind(|&end| known.starts_with(&prompt[..end]));
    let longest = known
        .iter()
        .filter_map(|known| common(known))
        .max()
        .unwrap_or(0);
    let shortest = (known.iter().enumerate())
        .filter(|(_, known)| longest > 0 && common(known) == Some(longest))
        .min_by_key(|(index, known)| (known.len(), Reverse(*index)));
    if let Some((index, found)) = shortest
        && found.len() - longest < BLOCK
    {
        known.remove(index);
    }
    longest
}

proptest! {
    #[test]
    fn every_prefix_holds_what_was_computed_for_its_tokens(moves in moves(), blocks in 0..14usize) {
        let mut player = Player::new(blocks);
        for one in &moves {
            player.play(one, &mut |cache, prompt, limit| {
                let prompt_counted = &prompt[..prompt.len().min(limit)];
                let common = |prefix: &Prefix| {
                    let both = prefix.tokens.iter().zip(prompt_counted);
                    both.take_while(|(held, new)| held == new).count()
                };
                let longest = prefixes(cache).map(common).max();
                let length = cache.begin(prompt, limit);
                assert_eq!(Some(length), longest);
                length
            });
        }
    }

    #[test]
    fn with_room_for_all_exactly_what_the_rules_say_is_kept(moves in moves()) {
        let mut player = Player::new(64);
        let mut known = Vec::new();
        for one in moves.iter().take(KEPT) {
            player.play(one, &mut |cache, prompt, limit| {
                let current = cache.prefixes.current.tokens.clone();
                let expected = begin_naively(&mut known, &current, prompt, limit);
                assert_eq!(cache.begin(prompt, limit), expected);
                assert_eq!(others(cache), known);
                expected
            });
        }
    }
}
