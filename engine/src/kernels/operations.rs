//! A layer's operations, each cut into pieces for the pool. What can be done to a piece while it is in
//! the cache (adding a bias, rotating, gating) is done there, by the thread that computed it.

use std::ops::Range;

use super::activations::{Activations, BlocksMut};
use super::attention::{Blocks, INTERLEAVED, MOST_QUERIES, MOST_WIDTH, Queries, value_at};
use super::format::{COLUMNS, ROWS};
use super::pack::PackedMatrix;
use super::shared_slice::SharedSlice;
use super::threads::{Pool, Spawn};
use super::{Kernels, Scratch, detect};

/// Groups of rows that a piece has at least: as many as the widest panel.
const PIECE_GROUPS: usize = 4;
/// And at most: whoever loses its processor for a moment should not keep the others waiting for long.
const MOST_PIECE_GROUPS: usize = 256;

/// Threads, what each needs to work, and the kernels that they run.
#[derive(Debug)]
pub(crate) struct Workers {
    pub(crate) pool: Pool,
    kernels: &'static dyn Kernels,
    scratch: Vec<Scratch>,
}

/// One matrix product: `out[token] = weights · x[token] + bias`, `out` token after token.
pub(crate) struct Projection<'a> {
    pub(crate) weights: &'a PackedMatrix,
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) out: &'a mut [f32],
}

/// A rotary embedding's angles, for each token the cosines of all pairs of dimensions and their sines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation<'a> {
    pub(crate) cosines: &'a [f32],
    pub(crate) sines: &'a [f32],
    /// Whether a pair is two neighbours, or one dimension of each half.
    pub(crate) neighbours: bool,
}

/// Where one layer's keys and values of new tokens go.
pub(crate) struct CacheRows<'a> {
    /// Head by head, and so are `values`.
    pub(crate) keys: &'a mut [Vec<u16>],
    pub(crate) values: &'a mut [Vec<u16>],
    /// In every head's keys, where a token's key begins (its columns lie [`INTERLEAVED`] apart), and in its values, where
    /// its value does (as [`value_at`] goes on).
    pub(crate) place: &'a (dyn Fn(usize) -> (usize, usize) + Sync),
}

/// The query, key and value projections of some tokens.
pub(crate) struct Heads<'a> {
    pub(crate) query: Projection<'a>,
    pub(crate) key: Projection<'a>,
    pub(crate) value: Projection<'a>,
    pub(crate) head_width: usize,
    pub(crate) rotation: Rotation<'a>,
    pub(crate) cache: CacheRows<'a>,
}

/// The attention of some tokens' queries.
pub(crate) struct Attention<'a> {
    /// `token → head → column`, scaled.
    pub(crate) query: &'a [f32],
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_width: usize,
    /// Positions that the first token sees; each further one sees one more.
    pub(crate) first_length: usize,
    /// A head's keys and values by the number of their block.
    pub(crate) blocks: &'a (dyn Fn(usize, usize) -> (&'a [u16], &'a [u16]) + Sync),
    pub(crate) out: &'a mut [f32],
}

impl Workers {
    pub(crate) fn new(threads: usize, spawn: Spawn) -> Self {
        Self::with_kernels(detect(), threads, spawn)
    }

    pub(super) fn with_kernels(
        kernels: &'static dyn Kernels,
        threads: usize,
        spawn: Spawn,
    ) -> Self {
        let pool = Pool::new(threads, spawn);
        let scratch = (0..pool.threads()).map(|_| Scratch::new()).collect();
        Self {
            pool,
            kernels,
            scratch,
        }
    }

    pub(crate) fn kernels_name(&self) -> &'static str {
        self.kernels.name()
    }

    pub(crate) fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// The RMS norm of each row of `x`, times `weight`, as int8.
    pub(crate) fn normalise(
        &mut self,
        x: &[f32],
        weight: &[f32],
        epsilon: f32,
        out: &mut Activations,
    ) {
        let kernels = self.kernels;
        self.fill(x, weight.len(), out, &|x, row| {
            kernels.normalise(x, weight, epsilon, row);
        });
    }

    /// Each row of `x` as int8.
    pub(crate) fn quantise(&mut self, x: &[f32], width: usize, out: &mut Activations) {
        let kernels = self.kernels;
        self.fill(x, width, out, &|x, row| kernels.quantise(x, row));
    }

    fn fill(
        &mut self,
        x: &[f32],
        width: usize,
        out: &mut Activations,
        body: &(dyn Fn(&[f32], BlocksMut<'_>) + Sync),
    ) {
        let rows = x.len() / width;
        out.resize(rows, width);
        let quants = SharedSlice::new(&mut out.quants);
        let blocks = SharedSlice::new(&mut out.blocks);
        let row = |row: usize| {
            let in_blocks = width / COLUMNS;
            // SAFETY: each row is asked for once.
            let to = unsafe {
                BlocksMut {
                    quants: quants.slice_mut(row * width..(row + 1) * width),
                    blocks: blocks.slice_mut(row * in_blocks..(row + 1) * in_blocks),
                }
            };
            body(&x[row * width..(row + 1) * width], to);
        };
        if rows == 1 {
            // Less work than a meeting of the threads.
            return row(0);
        }
        self.pool.for_each(rows, 1, &|_, range| range.for_each(row));
    }

    /// `out = weights · x`.
    pub(crate) fn project(&mut self, x: &Activations, weights: &PackedMatrix, out: &mut [f32]) {
        let out = SharedSlice::new(out);
        self.each_piece(weights.groups(), &|kernels, scratch, groups| {
            // SAFETY: each group is in one piece only.
            unsafe { kernels.multiply(weights, groups, x, &out, scratch) };
        });
    }

    /// `sum += weights · x`, by way of `product`.
    pub(crate) fn project_onto(
        &mut self,
        x: &Activations,
        weights: &PackedMatrix,
        product: &mut [f32],
        sum: &mut [f32],
    ) {
        let (product, sum) = (SharedSlice::new(product), SharedSlice::new(sum));
        self.each_piece(weights.groups(), &|kernels, scratch, groups| {
            let rows = weights.rows_of(&groups);
            // SAFETY: each group is in one piece only, and so are its rows.
            unsafe {
                kernels.multiply(weights, groups, x, &product, scratch);
                for at in (0..x.rows).map(|token| shifted(&rows, token * weights.rows)) {
                    add(sum.slice_mut(at.clone()), product.slice_mut(at));
                }
            }
        });
    }

    /// `gate = silu(gate_weights · x) · (up_weights · x)`. Both have as many rows.
    pub(crate) fn project_gated(
        &mut self,
        x: &Activations,
        [gate_weights, up_weights]: [&PackedMatrix; 2],
        gate: &mut [f32],
        up: &mut [f32],
    ) {
        debug_assert_eq!(gate_weights.rows, up_weights.rows);
        let (gate, up) = (SharedSlice::new(gate), SharedSlice::new(up));
        self.each_piece(gate_weights.groups(), &|kernels, scratch, groups| {
            let rows = gate_weights.rows_of(&groups);
            // SAFETY: each group is in one piece only, and so are its rows.
            unsafe {
                kernels.multiply(gate_weights, groups.clone(), x, &gate, scratch);
                kernels.multiply(up_weights, groups, x, &up, scratch);
                for at in (0..x.rows).map(|token| shifted(&rows, token * gate_weights.rows)) {
                    kernels.silu_multiply(gate.slice_mut(at.clone()), up.slice_mut(at));
                }
            }
        });
    }

    /// Queries, rotated and scaled, and keys and values, which go to the cache.
    pub(crate) fn project_heads(&mut self, x: &Activations, heads: Heads<'_>) {
        let Heads {
            query,
            key,
            value,
            head_width,
            rotation,
            cache,
        } = heads;
        debug_assert!(head_width <= MOST_WIDTH && head_width.is_multiple_of(ROWS));
        let scale = 1.0 / (head_width as f32).sqrt();
        let (query_heads, kv_heads) = (
            query.weights.rows / head_width,
            key.weights.rows / head_width,
        );
        let parts = [query, key, value].map(|Projection { weights, bias, out }| {
            debug_assert_eq!(out.len(), x.rows * weights.rows);
            (weights, bias, SharedSlice::new(out))
        });
        let keys = SharedSlice::new(cache.keys);
        let values = SharedSlice::new(cache.values);
        let place = cache.place;
        let kernels = self.kernels;
        let scratch = SharedSlice::new(&mut self.scratch);
        self.pool
            .for_each(query_heads + 2 * kv_heads, 1, &|thread, range| {
                for index in range {
                    let (part, head) = match index {
                        index if index < query_heads => (0, index),
                        index => (
                            1 + (index - query_heads) / kv_heads,
                            (index - query_heads) % kv_heads,
                        ),
                    };
                    let (weights, bias, out) = &parts[part];
                    let rows = head * head_width..(head + 1) * head_width;
                    let groups = rows.start / ROWS..rows.end / ROWS;
                    // SAFETY: a thread has its scratch to itself; each head is in one piece only, and its rows,
                    // keys and values are its alone.
                    unsafe {
                        let scratch = &mut scratch.slice_mut(thread..thread + 1)[0];
                        kernels.multiply(weights, groups, x, out, scratch);
                        for token in 0..x.rows {
                            let row = out.slice_mut(shifted(&rows, token * weights.rows));
                            if let Some(bias) = bias {
                                add(row, &bias[rows.clone()]);
                            }
                            if part < 2 {
                                rotate(&rotation, token, row);
                            }
                            let mut halves = [0; MOST_WIDTH];
                            let halves = &mut halves[..head_width];
                            match part {
                                0 => row.iter_mut().for_each(|x| *x *= scale),
                                1 => {
                                    kernels.to_half(row, halves);
                                    let keys = &mut keys.slice_mut(head..head + 1)[0];
                                    let (at, _) = place(token);
                                    for (column, half) in halves.iter().enumerate() {
                                        keys[at + column * INTERLEAVED] = *half;
                                    }
                                }
                                _ => {
                                    kernels.to_half(row, halves);
                                    let values = &mut values.slice_mut(head..head + 1)[0];
                                    let (_, at) = place(token);
                                    for (run, eight) in halves.chunks_exact(INTERLEAVED).enumerate()
                                    {
                                        let at = at + value_at(0, run * INTERLEAVED);
                                        values[at..at + INTERLEAVED].copy_from_slice(eight);
                                    }
                                }
                            }
                        }
                    }
                }
            });
    }

    /// Each query's attention over the positions up to its own.
    pub(crate) fn attend(&mut self, attention: Attention<'_>) {
        let Attention {
            query,
            heads,
            kv_heads,
            head_width,
            first_length,
            blocks,
            out,
        } = attention;
        let tokens = query.len() / (heads * head_width);
        let heads_per_kv = heads / kv_heads;
        // The heads that share keys and values stay together, unless threads would have nothing to do.
        let tiles = tokens.div_ceil((MOST_QUERIES / heads_per_kv).max(1));
        let splits = self.threads().div_ceil(kv_heads * tiles).min(heads_per_kv);
        let unit_heads = heads_per_kv.div_ceil(splits).min(MOST_QUERIES);
        let unit_tokens = MOST_QUERIES / unit_heads;
        let (splits, tiles) = (
            heads_per_kv.div_ceil(unit_heads),
            tokens.div_ceil(unit_tokens),
        );
        let out = SharedSlice::new(out);
        let kernels = self.kernels;
        let scratch = SharedSlice::new(&mut self.scratch);
        self.pool
            .for_each(kv_heads * splits * tiles, 1, &|thread, range| {
                for unit in range {
                    // The last tokens see the most: they come first, so that all threads end together.
                    let tile = tiles - 1 - unit / (kv_heads * splits);
                    let (kv_head, split) = (unit / splits % kv_heads, unit % splits);
                    let tokens = tile * unit_tokens..tokens.min((tile + 1) * unit_tokens);
                    let first_head = split * unit_heads;
                    let unit_heads = unit_heads.min(heads_per_kv - first_head);
                    let at = |index: usize| {
                        let token = tokens.start + index / unit_heads;
                        let head = kv_head * heads_per_kv + first_head + index % unit_heads;
                        let first = (token * heads + head) * head_width;
                        first..first + head_width
                    };
                    let queries = Queries {
                        width: head_width,
                        count: tokens.len() * unit_heads,
                        row: &|index| &query[at(index)],
                        positions: &|index| first_length + tokens.start + index / unit_heads,
                    };
                    // SAFETY: a thread has its scratch to itself, and each query is in one unit only.
                    unsafe {
                        let scratch = &mut scratch.slice_mut(thread..thread + 1)[0];
                        let blocks: &Blocks<'_> = &|block| blocks(kv_head, block);
                        kernels.attend(&queries, blocks, scratch, &mut |index, row| {
                            out.slice_mut(at(index)).copy_from_slice(row);
                        });
                    }
                }
            });
    }

    /// Cuts `0..groups` into pieces of whole panels.
    fn each_piece(&mut self, groups: usize, body: &PieceBody<'_>) {
        let kernels = self.kernels;
        let scratch = SharedSlice::new(&mut self.scratch);
        let body = |thread: usize, range| {
            // SAFETY: a thread has its scratch to itself.
            let scratch = unsafe { &mut scratch.slice_mut(thread..thread + 1)[0] };
            body(kernels, scratch, range);
        };
        self.pool
            .for_each_shrinking(groups, PIECE_GROUPS, MOST_PIECE_GROUPS, &body);
    }
}

type PieceBody<'a> = dyn Fn(&dyn Kernels, &mut Scratch, Range<usize>) + Sync + 'a;

fn shifted(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

fn add(sum: &mut [f32], x: &[f32]) {
    for (sum, x) in sum.iter_mut().zip(x) {
        *sum += x;
    }
}

/// Rotates one head of a token.
fn rotate(rotation: &Rotation<'_>, token: usize, head: &mut [f32]) {
    let pairs = head.len() / 2;
    let angles = token * pairs..(token + 1) * pairs;
    let cosines = &rotation.cosines[angles.clone()];
    let sines = &rotation.sines[angles];
    let turn = |x: &mut f32, y: &mut f32, cosine: f32, sine: f32| {
        (*x, *y) = (*x * cosine - *y * sine, *x * sine + *y * cosine);
    };
    if rotation.neighbours {
        for ((pair, cosine), sine) in head.chunks_exact_mut(2).zip(cosines).zip(sines) {
            let [x, y] = pair else {
                unreachable!("two at a time")
            };
            turn(x, y, *cosine, *sine);
        }
    } else {
        let (first, second) = head.split_at_mut(pairs);
        for (((x, y), cosine), sine) in first.iter_mut().zip(second).zip(cosines).zip(sines) {
            turn(x, y, *cosine, *sine);
        }
    }
}
