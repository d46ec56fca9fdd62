//! The text of the prompt's shaders: the files in `shaders` with a model's dimensions as constants before
//! them.

use super::formats::{self, has_halves};
use crate::gpu::decode::{Dimensions, STATE_TABLE};
use crate::gpu::matrix::Format;
use crate::gpu::weights::PRELUDE;

/// Tokens of a workgroup of `project`; the file has them too.
pub(super) const TILE_TOKENS: usize = 64;
/// Queries of a workgroup of `attend`: 32 or 64.
pub(super) const QUERIES: usize = 64;
/// Threads of every workgroup.
pub(super) const THREADS: usize = 256;

/// Rows of a workgroup of `project`, of all its matrices together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum TileRows {
    Few = 32,
    Many = 64,
}

/// How products are summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::gpu) enum Dots {
    Floats,
    /// Four columns at a time: activations are rounded to eight bits, as on the processor.
    Bytes,
}

/// What becomes of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Finish {
    Store,
    /// Stored with a bias added.
    Bias,
    /// Added to what stands there.
    Add,
    /// The SiLU of the first matrix' product, times the second's.
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

pub(super) fn quantise(blocks: usize) -> String {
    let text = repeated(include_str!("../shaders/quantise.wgsl"), "$quad", 8);
    format!("const BLOCKS: u32 = {blocks}u;\n{text}")
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
    let quads = dimensions.head_width / 4;
    // As the file has it: 16 or 32 threads go over a head's width.
    let columns = if quads <= 16 { 16 } else { 32 };
    let text = include_str!("../shaders/attend.wgsl");
    let text = repeated(text, "$quad", quads);
    let text = repeated(&text, "$lane", THREADS / QUERIES);
    format!(
        "{}const QUERIES: u32 = {QUERIES}u;\n{}",
        heads(dimensions, halves),
        repeated(&text, "$i", QUERIES * columns / THREADS)
    )
}

/// Matrices of these formats, whose tiles follow one another, or with [`Finish::Gate`] share each tile.
pub(super) fn project(formats: &[Format], finish: Finish, rows: TileRows, dots: Dots) -> String {
    let each = rows as usize / 16;
    let gated = finish == Finish::Gate;
    let kind: Vec<String> = if gated {
        Vec::new()
    } else {
        let later = 1..formats.len();
        later
            .map(|kind| format!("u32(tile >= matrices[{kind}].first_tile)"))
            .collect()
    };
    let kind = if kind.is_empty() {
        "0u".to_owned()
    } else {
        kind.join(" + ")
    };
    let finished = match finish {
        Finish::Store | Finish::Gate => "sum",
        Finish::Bias => "sum + bias[row]",
        Finish::Add => "out[at] + sum",
    };
    // Behind the activations' scales, where they have some.
    let binding = if dots == Dots::Bytes { 6 } else { 5 };
    let bias = if finish == Finish::Bias {
        format!("@group(0) @binding({binding}) var<storage, read> bias: array<f32>;\n")
    } else {
        String::new()
    };
    let sums = |text: &str| -> String {
        let outs = if gated { each / 2 } else { each };
        let sum = |index| match finish {
            Finish::Gate => format!("silu(sum{index}) * sum{}", index + outs),
            _ => format!("sum{index}"),
        };
        let line = |line: &str| -> String {
            let times = if line.contains("$sum") { outs } else { 1 };
            (0..times)
                .map(|index| {
                    line.replace("$out", &index.to_string())
                        .replace("$sum", &sum(index))
                        + "\n"
                })
                .collect()
        };
        text.lines().map(line).collect()
    };
    let text = match dots {
        Dots::Floats => repeated(include_str!("../shaders/project.wgsl"), "$quad", 8),
        Dots::Bytes => repeated(include_str!("../shaders/project_bytes.wgsl"), "$token", 4),
    };
    let text = sums(&repeated(&text, "$i", each));
    let product = include_str!("../shaders/product.wgsl");
    let halves = formats.iter().any(|format| has_halves(*format));
    format!(
        "const COUNT: u32 = {}u;
const ROWS_EACH: u32 = {each}u;
const GATED: bool = {gated};
const HALVES: bool = {halves};
{PRELUDE}{bias}{product}{text}
fn kind_of(tile: u32) -> u32 {{
    return {kind};
}}

fn finished(at: u32, row: u32, sum: f32) -> f32 {{
    return {finished};
}}
{}",
        formats.len(),
        formats::functions(formats, dots)
    )
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

/// Each line with `sign` as often as said, with the numbers from 0 on, and likewise what stands between
/// `// sign {` and `// }`: what a thread keeps in registers has names, and addresses known numbers, since
/// compilers put arrays into memory and are kept from unrolling loops.
fn repeated(source: &str, sign: &str, count: usize) -> String {
    let opening = format!("// {sign} {{");
    let mut text = String::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let piece = if line.trim() == opening {
            let lines = lines.by_ref().take_while(|line| line.trim() != "// }");
            lines.map(|line| format!("{line}\n")).collect()
        } else {
            format!("{line}\n")
        };
        let times = if piece.contains(sign) { count } else { 1 };
        for index in 0..times {
            text += &piece.replace(sign, &index.to_string());
        }
    }
    text
}
