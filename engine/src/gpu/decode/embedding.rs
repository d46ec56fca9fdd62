//! The embedding's rows.

use std::fmt::Write;

use super::super::matrix::{BLOCK, Planes};
use super::super::weights::{PRELUDE, Weights};

/// The rows of some tokens of the sequence, out of the part of the embedding that has its rows from
/// `first_row` on: a workgroup a token, of those from `state[3]` on.
/// Bindings: 0 weights, 1 tokens, 2 state, 3 hidden.
pub(in crate::gpu) fn embed(planes: Planes, first_row: usize, is_spread: bool) -> String {
    let blocks = planes.columns / BLOCK;
    let mut text = String::from(PRELUDE);
    text += "@group(0) @binding(0) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
@group(0) @binding(3) var<storage, read_write> hidden: array<vec4<f32>>;
";
    text += &Weights {
        name: "matrix",
        array: "weights",
        planes,
    }
    .block();
    let rows = planes.rows;
    let at = if is_spread {
        format!("i * {blocks}u + block")
    } else {
        format!("(workgroup.x * {blocks}u + block) * 8u + i")
    };
    let _ = writeln!(
        text,
        "@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {{
    let token = tokens[state[0] - state[3] + workgroup.x];
    if (token < {first_row}u || token >= {}u) {{
        return;
    }}
    for (var block = thread; block < {blocks}u; block += 64u) {{
        var out: array<vec4<f32>, 8>;
        matrix_block(token - {first_row}u, block, &out);
        for (var i = 0u; i < 8u; i++) {{
            hidden[{at}] = out[i];
        }}
    }}
}}",
        first_row + rows
    );
    text
}
