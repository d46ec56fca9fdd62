//! Which tokens lie in which blocks: the prefixes that are kept, who shares what, and who gives way.
//!
//! Between two calls this holds, and the tests prove it:
//! - A block that several prefixes hold is full, lies at the same index in each of them, and so do
//!   all blocks before it. Only full blocks can be shared, so nobody writes into another's block.
//! - A prefix other than the current one holds as many blocks as its tokens need.

use std::cmp::Reverse;

use super::BLOCK;

/// Prefixes that are kept at most, the current one included.
pub(super) const KEPT: usize = 16;

/// Tokens whose keys and values were computed one after another, and the blocks that hold them.
#[derive(Debug, Default)]
pub(crate) struct Prefix {
    pub(crate) tokens: Vec<u32>,
    pub(crate) blocks: Vec<usize>,
}

/// What [`Prefixes::begin`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    /// Tokens of the prompt that are already computed.
    pub(crate) length: usize,
    /// `(from, to)`: this block is to be copied before anything is written.
    pub(crate) copy: Option<(usize, usize)>,
}

#[derive(Debug)]
pub(crate) struct Prefixes {
    pub(crate) current: Prefix,
    /// In the order in which they were last the current one, the oldest first.
    pub(crate) others: Vec<Prefix>,
    /// How many prefixes hold each block of the pool; 0 is free.
    pub(crate) holders: Vec<usize>,
}

impl Prefixes {
    pub(crate) fn new(blocks: usize) -> Self {
        Self {
            current: Prefix::default(),
            others: Vec::new(),
            holders: vec![0; blocks],
        }
    }

    /// Makes the current prefix out of the one that shares the longest beginning with `prompt`, of
    /// which at most `limit` tokens count. Of several as long, the one with the least behind that
    /// beginning is taken, and of several of those the one used last.
    ///
    /// Where less than a block lies behind it, the prefix itself goes on from there: an answer that
    /// was tokenised a little differently when it came back would else leave a near copy behind at
    /// every turn. Where there is more to lose, the prefix is kept as it is, and the current one
    /// shares its full blocks.
    pub(crate) fn begin(&mut self, prompt: &[u32], limit: usize) -> Begun {
        self.put_current_by();
        let prompt = &prompt[..prompt.len().min(limit)];
        let found = (self.others.iter().enumerate())
            .map(|(index, other)| (index, common_length(&other.tokens, prompt), other))
            .filter(|&(_, common, _)| common > 0)
            .max_by_key(|&(index, common, other)| (common, Reverse(other.tokens.len()), index))
            .map(|(index, common, other)| (index, common, other.tokens.len() - common));
        let (mut length, mut copy) = (0, None);
        if let Some((index, common, behind)) = found {
            length = common;
            self.current = if behind < BLOCK {
                self.others.remove(index)
            } else {
                self.share(index, common)
            };
            self.shorten_current(common);
            copy = self.own_last_block();
        }
        if self.others.len() == KEPT {
            self.drop_other(0);
        }
        Begun { length, copy }
    }

    /// Makes room for `count` more tokens of the current prefix. Where no block is free, the
    /// prefix that was not used for longest gives one from its end, so that its beginning, which
    /// others may have in common with it, stays longest.
    ///
    /// The whole pool can become the current prefix's, and never more is asked for.
    pub(crate) fn reserve(&mut self, count: usize) {
        let needed = (self.current.tokens.len() + count).div_ceil(BLOCK);
        while self.current.blocks.len() < needed {
            let block = loop {
                match self.take_free() {
                    Some(block) => break block,
                    None => self.shorten_oldest(),
                }
            };
            self.current.blocks.push(block);
        }
    }

    /// Marks tokens of the current prefix as computed; there is room for them.
    pub(crate) fn extend(&mut self, tokens: &[u32]) {
        self.current.tokens.extend_from_slice(tokens);
        assert!(self.current.tokens.len() <= self.current.blocks.len() * BLOCK);
    }

    /// Puts the current prefix with the others. Where one of two is the other's beginning, only
    /// the longer one is kept, as just used.
    fn put_current_by(&mut self) {
        self.shorten_current(self.current.tokens.len());
        let mut current = std::mem::take(&mut self.current);
        if current.tokens.is_empty() {
            return;
        }
        let longer = |other: &Prefix| other.tokens.starts_with(&current.tokens);
        if let Some(index) = self.others.iter().rposition(longer) {
            let longer = self.others.remove(index);
            self.release(&std::mem::replace(&mut current, longer).blocks);
        }
        let shorter = |other: &Prefix| current.tokens.starts_with(&other.tokens);
        while let Some(index) = self.others.iter().position(shorter) {
            self.drop_other(index);
        }
        self.others.push(current);
    }

    /// A prefix that shares the blocks of another one's beginning. The last one may not be full: then
    /// [`Self::own_last_block`] must follow before anything is written.
    fn share(&mut self, index: usize, length: usize) -> Prefix {
        let other = &self.others[index];
        let blocks = other.blocks[..length.div_ceil(BLOCK)].to_vec();
        for &block in &blocks {
            self.holders[block] += 1;
        }
        Prefix {
            tokens: other.tokens[..length].to_vec(),
            blocks,
        }
    }

    /// Forgets the current prefix's tokens from `length` on, and gives back what it needs no more.
    fn shorten_current(&mut self, length: usize) {
        self.current.tokens.truncate(length);
        let unneeded = self.current.blocks.split_off(length.div_ceil(BLOCK));
        self.release(&unneeded);
    }

    /// Gives the current prefix, where its last block has room left, that block for itself.
    fn own_last_block(&mut self) -> Option<(usize, usize)> {
        if self.current.tokens.len().is_multiple_of(BLOCK) {
            return None;
        }
        let last = *self.current.blocks.last()?;
        // While this block is shared, there is another prefix that can give way; giving way, it may
        // also be the one that lets go of this block.
        while self.holders[last] > 1 {
            if let Some(copy) = self.take_free() {
                self.release(&[last]);
                self.current.blocks.pop();
                self.current.blocks.push(copy);
                return Some((last, copy));
            }
            self.shorten_oldest();
        }
        None
    }

    /// The free block with the lowest number, so that memory that was never used stays so.
    fn take_free(&mut self) -> Option<usize> {
        let block = self.holders.iter().position(|&holders| holders == 0)?;
        self.holders[block] = 1;
        Some(block)
    }

    /// Takes the last block from the prefix that was not used for longest. Where the last block
    /// that is left is somebody else's too, he has all before it, so nothing is lost with the rest.
    fn shorten_oldest(&mut self) {
        let oldest =
            (self.others.first_mut()).expect("whoever needs room has others to take it from");
        if let Some(last) = oldest.blocks.pop() {
            self.holders[last] -= 1;
        }
        oldest.tokens.truncate(oldest.blocks.len() * BLOCK);
        let left = oldest.blocks.last();
        if left.is_none_or(|&block| self.holders[block] > 1) {
            self.drop_other(0);
        }
    }

    fn drop_other(&mut self, index: usize) {
        let other = self.others.remove(index);
        self.release(&other.blocks);
    }

    fn release(&mut self, blocks: &[usize]) {
        for &block in blocks {
            self.holders[block] -= 1;
        }
    }
}

fn common_length(left: &[u32], right: &[u32]) -> usize {
    left.iter()
        .zip(right)
        .take_while(|(left, right)| left == right)
        .count()
}
