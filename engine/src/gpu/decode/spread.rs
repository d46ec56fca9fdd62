//! The order in which a token's pass keeps its activations.

use super::super::matrix::BLOCK;
use super::{Shader, grid};

/// `place(column)`: where a column's number lies, spread.
pub(super) fn place(columns: usize) -> String {
    let blocks = columns / BLOCK;
    format!(
        "fn place(column: u32) -> u32 {{
    return ((((column >> 2u) & 7u) * {blocks}u + (column >> 5u)) << 2u) | (column & 3u);
}}
"
    )
}

/// Numbers in the order of columns, spread.
pub(in crate::gpu) fn spread(values: &[f32]) -> Vec<f32> {
    let blocks = values.len() / BLOCK;
    let place = |column: usize| (column / 4 % 8 * blocks + column / BLOCK) * 4 + column % 4;
    let mut out = vec![0.0; values.len()];
    for (column, value) in values.iter().enumerate() {
        out[place(column)] = *value;
    }
    out
}

/// Spreads a row. Bindings: 0 the row, 1 hidden.
pub(in crate::gpu) fn spread_row(columns: usize) -> Shader {
    let text = format!(
        "{}@group(0) @binding(0) var<storage, read> row: array<f32>;
@group(0) @binding(1) var<storage, read_write> hidden: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
    if (id.x < {columns}u) {{
        hidden[place(id.x)] = row[id.x];
    }}
}}
",
        place(columns)
    );
    Shader {
        text,
        grid: grid(columns.div_ceil(64)),
    }
}
