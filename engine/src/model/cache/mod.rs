//! The KV cache: keys and values in f16 of every position of several prefixes, in blocks that
//! prefixes with a common beginning share.

mod prefixes;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::config::Config;
use crate::kernels::{POSITIONS, key_at, value_at};
pub(crate) use prefixes::{Begun, Prefixes};

/// Positions of one block.
pub(crate) const PAGE: usize = POSITIONS;
const BLOCK: usize = PAGE;

/// Blocks of 32 positions. A layer's head has its keys in one piece of memory and its values in another, block after
/// block: an answer's token reads all of them, and processors fetch ahead, and find a page's place cheaply, only where
/// page follows page. A block is `32 × head_width` long, in the order that attention reads it in:
/// - keys: `run of 8 positions → dimension → position` ([`key_at`]);
/// - values: `run of 8 dimensions → position → dimension` ([`value_at`]).
#[derive(Debug)]
pub(crate) struct KvCache {
    /// `layer → kv head`, and so are `values`.
    keys: Vec<Vec<u16>>,
    values: Vec<Vec<u16>>,
    layout: Layout,
    context_length: usize,
    prefixes: Prefixes,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) layers: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_width: usize,
}

impl Layout {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            layers: config.layers,
            kv_heads: config.kv_heads,
            head_width: config.head_width,
        }
    }

    /// Elements of a block.
    fn block(&self) -> usize {
        BLOCK * self.head_width
    }

    /// Heads of all layers.
    fn heads(&self) -> usize {
        self.layers * self.kv_heads
    }
}

impl KvCache {
    /// Whether there can be memory for it. What a file claims to be its context may be anything.
    pub(crate) fn fits(layout: Layout, context_length: usize, tokens: usize) -> bool {
        let blocks = tokens.max(context_length).div_ceil(BLOCK);
        let Layout {
            layers,
            kv_heads,
            head_width,
        } = layout;
        let sizes = [blocks, layers, kv_heads, BLOCK, head_width];
        let elements: u128 = sizes.iter().map(|size| *size as u128).product();
        // A key and a value each time.
        usize::try_from(elements)
            .is_ok_and(|elements| Vec::<[u16; 2]>::new().try_reserve_exact(elements).is_ok())
    }

    /// For prompts and answers of up to `context_length` tokens, and `tokens` altogether, where
    /// that is more.
    pub(crate) fn new(layout: Layout, context_length: usize, tokens: usize) -> Self {
        let blocks = tokens.max(context_length).div_ceil(BLOCK);
        // Room for all, so that nothing ever moves, but filled only as blocks are first used: what
        // no prompt reaches costs no memory. Memory asked for zeroed would, in a browser: its
        // allocator writes the zeros.
        let memory = || {
            let head = || Vec::with_capacity(blocks * layout.block());
            std::iter::repeat_with(head).take(layout.heads()).collect()
        };
        Self {
            keys: memory(),
            values: memory(),
            layout,
            context_length,
            prefixes: Prefixes::new(blocks),
        }
    }

    pub(crate) fn context_length(&self) -> usize {
        self.context_length
    }

    /// Positions of the current prefix.
    pub(crate) fn length(&self) -> usize {
        self.prefixes.current.tokens.len()
    }

    /// Goes on from the kept prefix that shares the longest beginning with `prompt`, of which at
    /// most `limit` tokens count, and returns how many tokens that is. What the current prefix was
    /// stays with the kept ones. [`Prefixes::begin`] has the rules.
    pub(crate) fn begin(&mut self, prompt: &[u32], limit: usize) -> usize {
        let Begun { length, copy } = self.prefixes.begin(prompt, limit);
        if let Some((from, to)) = copy {
            self.touch();
            let block = self.layout.block();
            for memory in self.keys.iter_mut().chain(&mut self.values) {
                memory.copy_within(from * block..(from + 1) * block, to * block);
            }
        }
        length
    }

    /// Makes room for `count` more positions of the current prefix, at the expense of those that
    /// were not used for longest.
    pub(crate) fn reserve(&mut self, count: usize) {
        assert!(
            self.length() + count <= self.context_length,
            "more positions than the context has"
        );
        self.prefixes.reserve(count);
        self.touch();
    }

    /// Marks the tokens whose keys and values were just written to reserved positions.
    pub(crate) fn extend(&mut self, tokens: &[u32]) {
        self.prefixes.extend(tokens);
    }

    /// One head's keys of the current prefix's positions from `index * 32` on. What lies behind the
    /// last written position is zero or some former position's.
    pub(crate) fn keys(&self, layer: usize, kv_head: usize, index: usize) -> &[u16] {
        &self.keys[self.head(layer, kv_head)][self.places().block(index)]
    }

    /// As [`Self::keys`].
    pub(crate) fn values(&self, layer: usize, kv_head: usize, index: usize) -> &[u16] {
        &self.values[self.head(layer, kv_head)][self.places().block(index)]
    }

    /// Where the current prefix lies, and the keys and the values of a layer's heads, for threads that write those of
    /// different heads at once. Only reserved positions from [`Self::length`] on may be written: what lies before may be
    /// others' too.
    pub(crate) fn layer(&mut self, layer: usize) -> (Places<'_>, &mut [Vec<u16>], &mut [Vec<u16>]) {
        let heads = self.head(layer, 0)..self.head(layer, 0) + self.layout.kv_heads;
        let places = Places {
            layout: self.layout,
            blocks: &self.prefixes.current.blocks,
        };
        (
            places,
            &mut self.keys[heads.clone()],
            &mut self.values[heads],
        )
    }

    fn head(&self, layer: usize, kv_head: usize) -> usize {
        let Layout {
            layers, kv_heads, ..
        } = self.layout;
        assert!(layer < layers && kv_head < kv_heads);
        layer * kv_heads + kv_head
    }

    fn places(&self) -> Places<'_> {
        Places {
            layout: self.layout,
            blocks: &self.prefixes.current.blocks,
        }
    }

    /// Fills memory up to the last block of the current prefix.
    fn touch(&mut self) {
        let highest = self.prefixes.current.blocks.iter().max();
        let length = highest.map_or(0, |block| (block + 1) * self.layout.block());
        for memory in self.keys.iter_mut().chain(&mut self.values) {
            if length > memory.len() {
                memory.resize(length, 0);
            }
        }
    }
}

/// Where the current prefix lies, the same in every head's keys and values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places<'a> {
    layout: Layout,
    blocks: &'a [usize],
}

impl Places<'_> {
    /// A block by its number within the prefix: that of a position is `position / 32`.
    fn block(&self, index: usize) -> Range<usize> {
        let start = self.blocks[index] * self.layout.block();
        start..start + self.layout.block()
    }

    /// Where a position's key begins, and its value.
    pub(crate) fn position(&self, position: usize) -> (usize, usize) {
        let width = self.layout.head_width;
        let block = self.block(position / BLOCK).start;
        (
            block + key_at(position, width),
            block + value_at(position, 0),
        )
    }
}
