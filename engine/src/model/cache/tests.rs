//! Every position that a prefix claims to have must hold what was computed for exactly the tokens up
//! to it. So these tests write a hash of those tokens.

mod properties;

use super::prefixes::{KEPT, Prefix};
use super::*;
use crate::kernels::INTERLEAVED;

const LAYOUT: Layout = Layout {
    layers: 2,
    kv_heads: 2,
    head_width: 8,
};

/// Not a multiple of a block, and four blocks long.
const CONTEXT: usize = 100;

fn cache_of(blocks: usize) -> KvCache {
    KvCache::new(LAYOUT, CONTEXT, blocks * BLOCK)
}

/// `length` tokens that no other name's tokens begin like.
fn text(name: u32, length: usize) -> Vec<u32> {
    (0..length as u32).map(|at| name * 1000 + at).collect()
}

/// What is written for the last of `tokens`: a key and a value of each layer and head.
fn content(hash: u64, layer: usize, kv_head: usize) -> ([u16; 8], [u16; 8]) {
    let mut random = fastrand::Rng::with_seed(hash ^ ((layer * 2 + kv_head) as u64) << 60);
    let mut row = || std::array::from_fn(|_| random.u16(..));
    (row(), row())
}

fn hashes(tokens: &[u32]) -> impl Iterator<Item = u64> {
    tokens.iter().scan(0u64, |hash, token| {
        *hash = (*hash ^ u64::from(*token) ^ 0x9E37).wrapping_mul(0x0100_0000_01B3);
        Some(*hash)
    })
}

fn parts_of_layers() -> impl Iterator<Item = (usize, usize)> {
    (0..LAYOUT.layers).flat_map(|layer| (0..LAYOUT.kv_heads).map(move |head| (layer, head)))
}

/// What a forward pass does with the cache.
fn compute(cache: &mut KvCache, tokens: &[u32]) {
    cache.reserve(tokens.len());
    let first = cache.length();
    let all = [&cache.prefixes.current.tokens, tokens].concat();
    for (layer, head) in parts_of_layers() {
        let (places, keys, values) = cache.layer(layer);
        for (position, hash) in hashes(&all).enumerate().skip(first) {
            let (key, value) = content(hash, layer, head);
            let (key_at, value_at) = places.position(position);
            for dimension in 0..8 {
                keys[head][key_at + dimension * INTERLEAVED] = key[dimension];
                values[head][value_at + dimension] = value[dimension];
            }
        }
    }
    cache.extend(tokens);
}

/// A prompt and its answer; returns how much of the prompt was there already.
fn play(cache: &mut KvCache, prompt: &[u32], answer: &[u32]) -> usize {
    let cached = cache.begin(prompt, prompt.len() - 1);
    check(cache);
    compute(cache, &prompt[cached..]);
    compute(cache, answer);
    check(cache);
    cached
}

fn prefixes(cache: &KvCache) -> impl Iterator<Item = &Prefix> {
    std::iter::once(&cache.prefixes.current).chain(&cache.prefixes.others)
}

/// The tokens of all prefixes but the current one, the oldest first.
fn others(cache: &KvCache) -> Vec<Vec<u32>> {
    let others = cache.prefixes.others.iter();
    others.map(|other| other.tokens.clone()).collect()
}

fn free(cache: &KvCache) -> usize {
    let holders = &cache.prefixes.holders;
    holders.iter().filter(|&&holders| holders == 0).count()
}

/// Everything that must be true between two calls.
fn check(cache: &KvCache) {
    let mut holders = vec![0; cache.prefixes.holders.len()];
    for prefix in prefixes(cache) {
        for &block in &prefix.blocks {
            holders[block] += 1;
        }
        check_content(cache, prefix);
    }
    assert_eq!(holders, cache.prefixes.holders);
    assert!(cache.prefixes.others.len() < KEPT);
    for other in &cache.prefixes.others {
        assert!(!other.tokens.is_empty());
        assert_eq!(other.blocks.len(), other.tokens.len().div_ceil(BLOCK));
    }
    for (left, right) in prefixes(cache)
        .zip(1..)
        .flat_map(|(left, after)| prefixes(cache).skip(after).map(move |right| (left, right)))
    {
        let same = |(left, right): &(&usize, &usize)| left == right;
        let shared = left
            .blocks
            .iter()
            .zip(&right.blocks)
            .take_while(same)
            .count();
        assert!(left.tokens.len().min(right.tokens.len()) >= shared * BLOCK);
        let elsewhere = |block| right.blocks[shared..].contains(block);
        assert!(!left.blocks[shared..].iter().any(elsewhere));
    }
}

fn check_content(cache: &KvCache, prefix: &Prefix) {
    let places = Places {
        layout: LAYOUT,
        blocks: &prefix.blocks,
    };
    for (position, hash) in hashes(&prefix.tokens).enumerate() {
        for (layer, head) in parts_of_layers() {
            let (key, value) = content(hash, layer, head);
            let (block, head) = (places.block(position / BLOCK), cache.head(layer, head));
            let (keys, values) = (&cache.keys[head][block.clone()], &cache.values[head][block]);
            let at = position % BLOCK;
            for dimension in 0..8 {
                let in_run = dimension * INTERLEAVED + at % INTERLEAVED;
                assert_eq!(
                    keys[at / INTERLEAVED * INTERLEAVED * 8 + in_run],
                    key[dimension],
                    "key of position {position} in layer {layer}"
                );
                assert_eq!(values[at * 8 + dimension], value[dimension]);
            }
        }
    }
}

#[test]
fn a_conversation_goes_on_without_computing_anything_twice() {
    let mut cache = cache_of(4);
    let (question, answer) = (text(1, 20), text(2, 30));
    assert_eq!(play(&mut cache, &question, &answer), 0);
    let next = [question, answer, text(3, 10)].concat();
    assert_eq!(play(&mut cache, &next, &text(4, 5)), 50);
    assert_eq!(cache.length(), 65);
    assert!(others(&cache).is_empty());
}

#[test]
fn two_conversations_by_turns_both_stay() {
    let mut cache = cache_of(6);
    let [mut one, mut two] = [text(1, 12), text(2, 12)];
    for turn in 0..3 {
        for (name, conversation) in [(10, &mut one), (20, &mut two)] {
            let answer = text(name + turn, 16);
            let cached = play(&mut cache, conversation, &answer);
            assert_eq!(cached, conversation.len().saturating_sub(12));
            conversation.extend(answer);
            conversation.extend(text(name + 5 + turn, 12));
        }
    }
}

#[test]
fn a_team_computes_its_system_prompt_once_and_keeps_every_tail() {
    // Two blocks for the system prompt and two for each tail.
    let mut cache = cache_of(2 + 6 * 2);
    let system = text(1, 64);
    let prompt = |name: u32| [system.clone(), text(name, 8)].concat();
    let answer = |name: u32| text(name + 10, 26);
    for name in 2..8 {
        let cached = play(&mut cache, &prompt(name), &answer(name));
        assert_eq!(cached, if name == 2 { 0 } else { 64 });
    }
    assert_eq!(free(&cache), 0);
    for name in 2..8 {
        let next = [prompt(name), answer(name), text(9, 2)].concat();
        assert_eq!(play(&mut cache, &next, &[]), 98);
    }
}

#[test]
fn an_answer_that_comes_back_a_little_different_leaves_no_copy_behind() {
    let mut cache = cache_of(8);
    play(&mut cache, &text(1, 30), &text(2, 40));
    let retokenised = [text(1, 30), text(2, 38), text(3, 10)].concat();
    assert_eq!(play(&mut cache, &retokenised, &[]), 68);
    assert!(others(&cache).is_empty());
}

#[test]
fn another_answer_to_the_same_prompt_leaves_the_first_one_where_it_is() {
    let mut cache = cache_of(8);
    let prompt = text(1, 40);
    play(&mut cache, &prompt, &text(2, 40));
    assert_eq!(play(&mut cache, &prompt, &text(3, 40)), 39);
    let first = [text(1, 40), text(2, 40), text(4, 1)].concat();
    assert_eq!(play(&mut cache, &first, &[]), 80);
    assert_eq!(others(&cache), [[text(1, 40), text(3, 40)].concat()]);
}

#[test]
fn the_same_answer_again_is_kept_once() {
    let mut cache = cache_of(8);
    let prompt = text(1, 40);
    for _ in 0..4 {
        play(&mut cache, &prompt, &text(2, 40));
    }
    cache.begin(&[], 0);
    assert_eq!(others(&cache), [[prompt, text(2, 40)].concat()]);
}

#[test]
fn what_was_computed_of_an_aborted_prompt_stays() {
    let mut cache = cache_of(4);
    let prompt = text(1, 90);
    assert_eq!(cache.begin(&prompt, 89), 0);
    compute(&mut cache, &prompt[..45]);
    // The next pass had its room already when it was given up.
    cache.reserve(45);
    assert_eq!(cache.begin(&text(2, 5), 4), 0);
    check(&cache);
    assert_eq!(free(&cache), 2);
    assert_eq!(cache.begin(&prompt, 89), 45);
}

#[test]
fn room_is_taken_from_the_end_of_the_prefix_that_was_not_used_for_longest() {
    let mut cache = cache_of(8);
    let [one, two, three] = [text(1, 90), text(2, 90), text(3, 70)];
    play(&mut cache, &one, &[]);
    play(&mut cache, &two, &[]);
    assert_eq!(free(&cache), 2);
    play(&mut cache, &three, &[]);
    assert_eq!(others(&cache), [&one[..64], &two]);
    // `one` is used again, so `two` gives way next, and is gone before `three` has to.
    play(&mut cache, &[&one[..64], &text(4, 30)].concat(), &[]);
    assert_eq!(others(&cache), [&two[..64], &three]);
    play(&mut cache, &text(5, 100), &[]);
    assert_eq!(
        others(&cache),
        [three[..32].to_vec(), [&one[..64], &text(4, 30)].concat()]
    );
}

#[test]
fn a_shared_beginning_outlives_the_prefix_it_came_from() {
    let mut cache = cache_of(6);
    let system = text(1, 64);
    play(&mut cache, &[system.clone(), text(2, 32)].concat(), &[]);
    play(&mut cache, &[system.clone(), text(3, 32)].concat(), &[]);
    // Two blocks are free; of the two that are missing, each tail gives one.
    play(&mut cache, &text(4, 100), &[]);
    assert_eq!(others(&cache), [system.as_slice()]);
    assert_eq!(play(&mut cache, &[system, text(5, 2)].concat(), &[]), 64);
}

#[test]
fn a_full_context_gives_way_to_one_that_parts_from_it_anywhere() {
    for common in 1..CONTEXT {
        let mut cache = cache_of(0);
        play(&mut cache, &text(1, CONTEXT), &[]);
        assert_eq!(free(&cache), 0);
        let prompt = [&text(1, common)[..], &text(2, CONTEXT - common)].concat();
        assert_eq!(play(&mut cache, &prompt, &[]), common.min(CONTEXT - 1));
        assert_eq!(cache.length(), CONTEXT);
    }
}

#[test]
#[should_panic(expected = "more positions than the context has")]
fn no_prefix_becomes_longer_than_the_context() {
    let mut cache = cache_of(8);
    compute(&mut cache, &text(1, CONTEXT + 1));
}

#[test]
fn of_more_conversations_than_are_kept_the_oldest_is_forgotten() {
    let mut cache = cache_of(2 * KEPT);
    let conversations: Vec<_> = (0..=KEPT as u32).map(|name| text(name + 1, 10)).collect();
    for conversation in &conversations {
        play(&mut cache, conversation, &[]);
    }
    assert_eq!(play(&mut cache, &conversations[1], &[]), 9);
    assert_eq!(play(&mut cache, &conversations[0], &[]), 0);
}

#[test]
fn memory_that_no_prefix_has_reached_is_not_touched() {
    let mut cache = cache_of(64);
    play(&mut cache, &text(1, 33), &[]);
    play(&mut cache, &text(2, 33), &[]);
    let memory = |cache: &KvCache| -> Vec<*const u16> {
        let all = cache.keys.iter().chain(&cache.values);
        all.map(Vec::as_ptr).collect()
    };
    for memory in cache.keys.iter().chain(&cache.values) {
        assert_eq!(memory.len(), 4 * LAYOUT.block());
    }
    let before = memory(&cache);
    for name in 3..9 {
        play(&mut cache, &text(name, 90), &[]);
    }
    assert_eq!(memory(&cache), before);
}
