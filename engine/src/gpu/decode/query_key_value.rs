//! Norm, query, key and value.

use std::fmt::Write;

use super::super::device::Abilities;
use super::super::matrix::Planes;
use super::super::weights::{DOT_ARGUMENTS, DOT_PARAMETERS, Weights};
use super::product::{Product, inverse, load_normalised};
use super::{Dimensions, STATE_TABLE, Shader, Shape};

/// Norm, then query, key and value with their biases, rotated, the latter two written to the cache.
///
/// Bindings: 1 hidden, 2 parameters (norm, biases of query, key, value), 3 query, 4 keys, 5 values,
/// 6 state, 7 rotation (cosine and sine, position × pair).
pub(in crate::gpu) fn query_key_value(
    abilities: Abilities,
    dimensions: &Dimensions,
    [query, key, value]: [Planes; 3],
    has_bias: bool,
    shape: Shape,
) -> Shader {
    let Dimensions {
        width,
        kv_heads,
        head_width,
        halves,
        ..
    } = *dimensions;
    let half = head_width / 2;
    // A workgroup's pairs lie in one head.
    let shape = Shape {
        rows: shape.rows.max(2),
        ..shape
    };
    let pairs = Shape {
        rows: shape.rows / 2,
        ..shape
    }
    .fitting(half)
    .rows;
    let groups = |planes: &Planes| planes.rows / 2 / pairs;
    let (first_key, first_value) = (groups(&query), groups(&query) + groups(&key));
    let element = if abilities.halves { "f16" } else { "f32" };
    let bindings = format!(
        "@group(0) @binding(1) var<storage, read> hidden: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> query: array<f32>;
@group(0) @binding(4) var<storage, read_write> keys: array<{element}>;
@group(0) @binding(5) var<storage, read_write> values: array<{element}>;
@group(0) @binding(6) var<storage, read> state: array<u32>;
@group(0) @binding(7) var<storage, read> rotation: array<vec2<f32>>;
"
    );
    let matrices = [("query_w", query), ("key_w", key), ("value_w", value)];
    let mut functions = String::new();
    // One product whose matrix depends on the workgroup: all three behind one name.
    let mut branches = String::new();
    for (index, (name, planes)) in matrices.into_iter().enumerate() {
        functions += &Weights {
            name,
            array: "weights",
            planes,
        }
        .dot();
        let case = match index {
            0 => format!("if (kind == 0u) {{ return {name}_dot(row, block, {DOT_ARGUMENTS}); }}"),
            1 => format!("if (kind == 1u) {{ return {name}_dot(row, block, {DOT_ARGUMENTS}); }}"),
            _ => format!("return {name}_dot(row, block, {DOT_ARGUMENTS});"),
        };
        let _ = writeln!(branches, "    {case}");
    }
    let before = format!(
        "    var kind = 0u;
    var pair_group = group;
    if (group >= {first_value}u) {{
        kind = 2u;
        pair_group = group - {first_value}u;
    }} else if (group >= {first_key}u) {{
        kind = 1u;
        pair_group = group - {first_key}u;
    }}
    let head = pair_group * {pairs}u / {half}u;
    let pair = pair_group * {pairs}u % {half}u;
    let first_row = head * {head_width}u + {};
",
        if halves { "pair" } else { "2u * pair" }
    );
    let second = if halves { half } else { 1 };
    let stride = if halves { 1 } else { 2 };
    let mut rows = Vec::new();
    for index in 0..pairs {
        rows.push((0, format!("first_row + {}u", index * stride)));
        rows.push((0, format!("first_row + {}u", index * stride + second)));
    }
    let bias = if has_bias {
        format!(
            "        let bias = {width}u + select(select(0u, {}u, kind == 1u), {}u, kind == 2u) + row;
        a += parameters[bias >> 2u][bias & 3u];
        b += parameters[(bias + {second}u) >> 2u][(bias + {second}u) & 3u];
",
            query.rows,
            query.rows + key.rows
        )
    } else {
        String::new()
    };
    let squares = rows.len();
    let after = format!(
        "{}    if (thread < {pairs}u) {{
        let row = first_row + thread * {stride}u;
        var a = totals[2u * thread] * scale;
        var b = totals[2u * thread + 1u] * scale;
{bias}        let position = state[0] - 1u;
        if (kind != 2u) {{
            let turn = rotation[position * {half}u + pair + thread];
            let turned = a * turn.x - b * turn.y;
            b = a * turn.y + b * turn.x;
            a = turned;
        }}
        if (kind == 0u) {{
            query[row] = a;
            query[row + {second}u] = b;
        }} else {{
            let page = state[{STATE_TABLE}u + (position >> 5u)];
            let at = ((page * {kv_heads}u + head) * 32u + (position & 31u)) * {head_width}u + row % {head_width}u;
            if (kind == 1u) {{
                keys[at] = {element}(a);
                keys[at + {second}u] = {element}(b);
            }} else {{
                values[at] = {element}(a);
                values[at + {second}u] = {element}(b);
            }}
        }}
    }}
",
        inverse(dimensions, squares)
    );
    let mut shader = Product {
        abilities,
        shape,
        matrices: &[Weights {
            name: "any",
            array: "weights",
            planes: query,
        }],
        bindings: &bindings,
        before: &before,
        rows: &rows,
        load: &load_normalised(width),
        squares: true,
        after: &after,
        groups: first_value + groups(&value),
    }
    .shader();
    // The stand-in for the three is replaced by what chooses among them.
    let stand_in = Weights {
        name: "any",
        array: "weights",
        planes: query,
    }
    .dot();
    let choose = format!(
        "{functions}
fn any_dot(kind: u32, {DOT_PARAMETERS}) -> f32 {{
{branches}}}
"
    );
    shader.text = shader
        .text
        .replace(&stand_in, &choose)
        .replace("+= any_dot(", "+= any_dot(kind, ");
    shader
}
