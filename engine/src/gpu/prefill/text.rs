//! The text of the prompt's shaders: the files in `shaders` with a model's dimensions as constants before
//! them.

use std::fmt::Write;

use crate::gpu::decode::{Dimensions, STATE_TABLE};
use crate::gpu::matrix::Format;
use crate::gpu::weights::PRELUDE;

/// Rows and tokens of a workgroup of `project`; the file has them too.
pub(super) const TILE: usize = 64;
/// Queries of a workgroup of `attend`: 16, 32 or 64.
pub(super) const QUERIES: usize = 64;
/// Threads of every workgroup.
pub(super) const THREADS: usize = 256;

/// Four-row sums of a thread of `project`.
const SUMS: usize = 4;

/// What becomes of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Finish {
    Store,
    /// Stored with a bias added.
    Bias,
    /// Added to what stands there.
    Add,
    /// Multiplied by the SiLU of what stands there.
    Gate,
}

pub(super) fn normalise(dimensions: &Dimensions) -> String {
    format!(
        "const QUADS: u32 = {}u;\nconst EPSILON: f32 = {:e};\n{}",
        dimensions.width / 4,
        dimensions.epsilon,
        include_str!("../shaders/normalise.wgsl")
    )
}

/// `halves`: the cache is in f16, else in f32.
pub(super) fn rotate(dimensions: &Dimensions, halves: bool) -> String {
    format!(
        "{}const NEIGHBOURS: bool = {};\nconst SCALE: f32 = {:e};\n{}",
        heads(dimensions, halves),
        !dimensions.halves,
        1.0 / (dimensions.head_width as f32).sqrt(),
        include_str!("../shaders/rotate.wgsl")
    )
}

pub(super) fn attend(dimensions: &Dimensions, halves: bool) -> String {
    // As the file has it: 16 or 32 threads go over a head's width.
    let columns = if dimensions.head_width <= 64 { 16 } else { 32 };
    format!(
        "{}const QUERIES: u32 = {QUERIES}u;\n{}",
        heads(dimensions, halves),
        repeated(
            include_str!("../shaders/attend.wgsl"),
            QUERIES * columns / THREADS
        )
    )
}

pub(super) fn project(format: Format, finish: Finish) -> String {
    let bits = format.bits();
    let mut text = format!(
        "const LIFT: u32 = {}u;\nconst RANGE: f32 = {}.0;\nconst OFFSET: f32 = {}.0;\n",
        23 - bits,
        1u32 << bits,
        format.offset()
    );
    text += PRELUDE;
    text += &repeated(include_str!("../shaders/project.wgsl"), SUMS);
    text += include_str!("../shaders/weights.wgsl");
    let _ = write!(
        text,
        "
fn weights(block: u32, part: u32) -> array<vec4<f32>, 2> {{{}{}
}}

fn finish(at: u32, row: u32, sum: f32) {{
    out[at] = {};
}}
",
        quants(format),
        scales(format),
        match finish {
            Finish::Store => "sum",
            Finish::Bias => "sum + bias[matrix.first_bias + row]",
            Finish::Add => "out[at] + sum",
            // No score overflows the exponential.
            Finish::Gate => "out[at] / (1.0 + exp(min(-out[at], 80.0))) * sum",
        }
    );
    if finish == Finish::Bias {
        text += "\n@group(0) @binding(5) var<storage, read> bias: array<f32>;\n";
    }
    text
}

fn heads(dimensions: &Dimensions, halves: bool) -> String {
    let cache = if halves {
        "
alias Pair = u32;
alias Quad = vec2<u32>;

fn pair(numbers: vec2<f32>) -> Pair {
    return pack2x16float(numbers);
}

fn numbers(quad: Quad) -> vec4<f32> {
    return vec4(unpack2x16float(quad.x), unpack2x16float(quad.y));
}
"
    } else {
        "
alias Pair = vec2<f32>;
alias Quad = vec4<f32>;

fn pair(numbers: vec2<f32>) -> Pair {
    return numbers;
}

fn numbers(quad: Quad) -> vec4<f32> {
    return quad;
}
"
    };
    let Dimensions {
        heads,
        kv_heads,
        head_width,
        ..
    } = dimensions;
    format!(
        "const HEADS: u32 = {heads}u;
const KV_HEADS: u32 = {kv_heads}u;
const HEAD_WIDTH: u32 = {head_width}u;
// Where the page table begins in the state.
const TABLE: u32 = {STATE_TABLE}u;
{cache}
"
    )
}

/// A block's quants of columns `4 · part` and `16 + 4 · part` on, as they are stored.
fn quants(format: Format) -> &'static str {
    match format.bits() {
        4 => {
            "
    let words = vec4(planes[matrix.quants + block][part]);
    let low = nibbles(words);
    let high = nibbles(words >> vec4(4u));"
        }
        5 => {
            "
    let words = vec4(planes[matrix.quants + block][part]);
    let bits = vec4(word(matrix.high, block) >> (4u * part));
    let low = nibbles(words) | (((bits >> BITS) & vec4(1u)) << vec4(4u));
    let high = nibbles(words >> vec4(4u)) | (((bits >> (BITS + vec4(16u))) & vec4(1u)) << vec4(4u));"
        }
        6 => {
            "
    let words = vec4(planes[matrix.quants + block][part]);
    let low_bits = vec4(word(matrix.high, 2u * block) >> (2u * part));
    let high_bits = vec4(word(matrix.high, 2u * block + 1u) >> (2u * part));
    let low = nibbles(words) | (((low_bits >> BYTES) & vec4(3u)) << vec4(4u));
    let high = nibbles(words >> vec4(4u)) | (((high_bits >> BYTES) & vec4(3u)) << vec4(4u));"
        }
        // Signed ones, from their least on.
        _ => {
            "
    let low_words = vec4(planes[matrix.quants + 2u * block][part] ^ 0x80808080u);
    let high_words = vec4(planes[matrix.quants + 2u * block + 1u][part] ^ 0x80808080u);
    let low = (low_words >> BYTES) & vec4(255u);
    let high = (high_words >> BYTES) & vec4(255u);"
        }
    }
}

/// Those quants as weights.
fn scales(format: Format) -> &'static str {
    match format {
        Format::Q4_0 | Format::Q5_0 | Format::Q8_0 => {
            "
    let scale = half(half_word(matrix.scales, block));
    return array(scaled(low, scale, 0.0), scaled(high, scale, 0.0));"
        }
        Format::Q4_1 | Format::Q5_1 => {
            "
    let both = word(matrix.scales, block);
    let scale = half(both & 0xffffu);
    let minimum = -half(both >> 16u);
    return array(scaled(low, scale, minimum), scaled(high, scale, minimum));"
        }
        Format::Q4K | Format::Q5K => {
            "
    let bytes = half_word(matrix.scales, block);
    let factors = word(matrix.supers, block / 8u);
    let scale = half(factors & 0xffffu) * f32(bytes & 255u);
    let minimum = half(factors >> 16u) * f32(bytes >> 8u);
    return array(scaled(low, scale, minimum), scaled(high, scale, minimum));"
        }
        Format::Q6K => {
            "
    let bytes = bitcast<i32>(half_word(matrix.scales, block));
    let factor = half(word(matrix.supers, block / 8u) & 0xffffu);
    let first = factor * f32(extractBits(bytes, 0u, 8u));
    let second = factor * f32(extractBits(bytes, 8u, 8u));
    return array(scaled(low, first, 0.0), scaled(high, second, 0.0));"
        }
    }
}

/// Each line with `$i` as often as said, with the numbers from 0 on: what a thread keeps in registers has
/// names, since compilers put arrays into memory.
fn repeated(source: &str, count: usize) -> String {
    let mut text = String::new();
    for line in source.lines() {
        let times = if line.contains("$i") { count } else { 1 };
        for index in 0..times {
            text += &line.replace("$i", &index.to_string());
            text.push('\n');
        }
    }
    text
}
