//! The products behind the attention.

use super::super::device::Abilities;
use super::super::matrix::{BLOCK, Planes};
use super::super::weights::Weights;
use super::product::{Product, inverse, load_normalised, parts};
use super::spread::place;
use super::{Dimensions, MOST_SPLITS, Shader, Shape};

/// Puts the splits together, multiplies by the output's matrix, and adds that onto the hidden state.
///
/// Bindings: 1 the splits' sums, 2 their weights, 3 hidden, 4 state.
pub(in crate::gpu) fn output(
    abilities: Abilities,
    dimensions: &Dimensions,
    planes: Planes,
    shape: Shape,
) -> Shader {
    let shape = shape.fitting(planes.rows);
    let head_width = dimensions.head_width;
    let blocks = planes.columns / BLOCK;
    // A block's columns lie in one head.
    let load = format!(
        "        let first = block / {}u * {MOST_SPLITS}u;
        var largest = -1e30;
        for (var split = 0u; split < splits; split++) {{
            largest = max(largest, split_weights[first + split].x);
        }}
        var total = 0.0;
{}        for (var split = 0u; split < splits; split++) {{
            let weight = split_weights[first + split];
            let share = exp(weight.x - largest);
            total += share * weight.y;
            let at = split * {}u + block;
{}        }}
        let whole = 1.0 / total;
{}",
        head_width / BLOCK,
        parts(|part| format!("        var x{part} = vec4<f32>(0.0);\n")),
        8 * blocks,
        parts(|part| format!(
            "            x{part} += share * split_sums[at + {}u];\n",
            part * blocks
        )),
        parts(|part| format!("        x{part} *= whole;\n")),
    );
    onto_hidden(
        abilities,
        planes,
        shape,
        "@group(0) @binding(1) var<storage, read> split_sums: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> split_weights: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> hidden: array<f32>;
@group(0) @binding(4) var<storage, read> state: array<u32>;
",
        "    let splits = state[2];\n",
        &load,
    )
}

/// Multiplies what the gate let through and adds it onto the hidden state. Bindings: 1 gated, 2 hidden.
pub(in crate::gpu) fn down(abilities: Abilities, planes: Planes, shape: Shape) -> Shader {
    onto_hidden(
        abilities,
        planes,
        shape.fitting(planes.rows),
        "@group(0) @binding(1) var<storage, read> gated: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> hidden: array<f32>;
",
        "",
        &parts(|part| {
            let at = part * (planes.columns / BLOCK);
            format!("        let x{part} = gated[{at}u + block];\n")
        }),
    )
}

fn onto_hidden(
    abilities: Abilities,
    planes: Planes,
    shape: Shape,
    bindings: &str,
    before: &str,
    load: &str,
) -> Shader {
    let count = shape.rows;
    let rows: Vec<_> = rows_of(0, count).collect();
    let after = format!(
        "    if (thread < {count}u) {{
        hidden[place(group * {count}u + thread)] += totals[thread];
    }}
"
    );
    Product {
        abilities,
        shape,
        matrices: &[Weights {
            name: "matrix",
            array: "weights",
            planes,
        }],
        bindings: &format!("{bindings}{}", place(planes.rows)),
        before,
        rows: &rows,
        load,
        squares: false,
        after: &after,
        groups: planes.rows / count,
    }
    .shader()
}

/// Norm, then gate and up: `silu(gate) · up`. Bindings: 1 hidden, 2 norm, 3 gated.
pub(in crate::gpu) fn gate_up(
    abilities: Abilities,
    dimensions: &Dimensions,
    [gate, up]: [Planes; 2],
    shape: Shape,
) -> Shader {
    let shape = shape.fitting(gate.rows);
    let count = shape.rows;
    let rows: Vec<_> = rows_of(0, count).chain(rows_of(1, count)).collect();
    let after = format!(
        "{}    if (thread < {count}u) {{
        let gate = totals[thread] * scale;
        let up = totals[{count}u + thread] * scale;
        gated[place(group * {count}u + thread)] = gate / (1.0 + exp(-gate)) * up;
    }}
",
        inverse(dimensions, rows.len())
    );
    let matrix = |name, planes| Weights {
        name,
        array: "weights",
        planes,
    };
    Product {
        abilities,
        shape,
        matrices: &[matrix("gate_w", gate), matrix("up_w", up)],
        bindings: &format!(
            "@group(0) @binding(1) var<storage, read> hidden: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> gated: array<f32>;
{}",
            place(gate.rows)
        ),
        before: "",
        rows: &rows,
        load: &load_normalised(dimensions.width),
        squares: true,
        after: &after,
        groups: gate.rows / count,
    }
    .shader()
}

/// Norm, then some rows of the output's matrix, which are the vocabulary's from `first_row` on.
/// Bindings: 1 hidden, 2 norm, 3 logits.
pub(in crate::gpu) fn logits(
    abilities: Abilities,
    dimensions: &Dimensions,
    planes: Planes,
    first_row: usize,
    shape: Shape,
) -> Shader {
    let shape = shape.fitting(planes.rows);
    let count = shape.rows;
    let rows: Vec<_> = rows_of(0, count).collect();
    let after = format!(
        "{}    if (thread < {count}u) {{
        logits[{first_row}u + group * {count}u + thread] = totals[thread] * scale;
    }}
",
        inverse(dimensions, rows.len())
    );
    Product {
        abilities,
        shape,
        matrices: &[Weights {
            name: "matrix",
            array: "weights",
            planes,
        }],
        bindings: "@group(0) @binding(1) var<storage, read> hidden: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> logits: array<f32>;
",
        before: "",
        rows: &rows,
        load: &load_normalised(dimensions.width),
        squares: true,
        after: &after,
        groups: planes.rows / count,
    }
    .shader()
}

/// A workgroup's rows of a matrix: `count` neighbouring ones.
fn rows_of(matrix: usize, count: usize) -> impl Iterator<Item = (usize, String)> {
    (0..count).map(move |index| (matrix, format!("group * {count}u + {index}u")))
}
