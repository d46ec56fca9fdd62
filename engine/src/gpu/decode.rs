//! One token's pass: five fused dispatches a layer. Each is a product of a few rows with one row of activations,
//! with what comes before and after it done in the same shader; a workgroup takes some rows, its threads
//! some blocks of columns each, and their sums come together at the end.
//!
//! Activations are *spread*: `quarter of a block → block → 4 columns`, eight quarters. A thread takes a whole block,
//! and what neighbouring threads load at a time then lies side by side; in the order of columns each load
//! would touch a cache line for every thread.

use std::fmt::Write;

use super::device::Abilities;
use super::matrix::{BLOCK, Planes};
use super::weights::{DOT_ARGUMENTS, DOT_PARAMETERS, PRELUDE, Weights};

/// Parts that a long context's attention is split into at most.
pub(super) const MOST_SPLITS: usize = 16;

/// Where the page table begins in the state, in words.
pub(super) const STATE_TABLE: usize = 8;

/// Most workgroups in one direction of a dispatch.
const MOST_GROUPS: u32 = 32_768;

/// How a product is cut up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) threads: u32,
    /// Rows of a workgroup, of each matrix.
    pub(super) rows: usize,
}

impl Shape {
    /// With as many rows as divide `rows`.
    fn fitting(self, rows: usize) -> Self {
        let mut wanted = self.rows.max(1);
        while !rows.is_multiple_of(wanted) {
            wanted /= 2;
        }
        Self {
            rows: wanted,
            ..self
        }
    }
}

/// A shader and how many workgroups it wants.
pub(super) struct Shader {
    pub(super) text: String,
    pub(super) grid: [u32; 3],
}

/// A model's dimensions, as far as shaders know them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dimensions {
    pub(super) width: usize,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_width: usize,
    pub(super) epsilon: f32,
    /// Dimension i with i + half, not 2i with 2i + 1.
    pub(super) halves: bool,
}

/// The pieces of a product that shaders differ in.
struct Product<'a> {
    abilities: Abilities,
    shape: Shape,
    matrices: &'a [Weights<'a>],
    /// Beyond the matrices' own: from binding 1 on.
    bindings: &'a str,
    /// Statements before the loop; the workgroup's number is `group`.
    before: &'a str,
    /// The rows of a workgroup: for each `(matrix, row expression)` a total, in this order.
    rows: &'a [(usize, String)],
    /// Statements that declare `x0` to `x7`, given `block`. May add to `squares`.
    load: &'a str,
    /// Adds the sum of `squares` behind the rows' totals.
    squares: bool,
    /// Statements after the sums: `totals[i]` are whole; `thread` is this one's number.
    after: &'a str,
    groups: usize,
}

impl Product<'_> {
    fn shader(&self) -> Shader {
        let threads = self.shape.threads;
        let columns = self.matrices[0].planes.columns;
        let values = self.rows.len() + usize::from(self.squares);
        let subgroups = self.abilities.subgroups;
        let mut text = String::new();
        if self.abilities.halves {
            text += "enable f16;\n";
        }
        text += PRELUDE;
        text += "@group(0) @binding(0) var<storage, read> weights: array<vec4<u32>>;\n";
        text += self.bindings;
        for matrix in self.matrices {
            text += &matrix.dot();
        }
        let lanes = values * threads as usize;
        let _ = writeln!(text, "var<workgroup> partial: array<f32, {lanes}>;");
        let _ = writeln!(text, "var<workgroup> totals: array<f32, {values}>;");
        let _ = writeln!(text, "@compute @workgroup_size({threads})\nfn main(");
        text += "    @builtin(workgroup_id) workgroup: vec3<u32>,\n";
        text += "    @builtin(local_invocation_index) thread: u32,\n";
        if subgroups {
            text += "    @builtin(subgroup_invocation_id) lane: u32,\n";
            text += "    @builtin(subgroup_id) subgroup: u32,\n";
            text += "    @builtin(num_subgroups) subgroups: u32,\n";
        }
        let _ = writeln!(
            text,
            ") {{\n    let group = workgroup.x + workgroup.y * {MOST_GROUPS}u;\n    \
             if (group >= {}u) {{\n        return;\n    }}",
            self.groups
        );
        text += self.before;
        for value in 0..values {
            let _ = writeln!(text, "    var t{value} = 0.0;");
        }
        let blocks = columns / BLOCK;
        // A loop is kept from being unrolled by what keeps it from being endless.
        let _ = if blocks <= threads as usize {
            writeln!(
                text,
                "    let block = thread;\n    if (block < {blocks}u) {{"
            )
        } else {
            writeln!(
                text,
                "    for (var block = thread; block < {blocks}u; block += {threads}u) {{"
            )
        };
        if self.squares {
            text += "        var squares = 0.0;\n";
        }
        text += self.load;
        let one = "vec4<f32>(1.0)";
        let _ = writeln!(
            text,
            "        let sums = vec2<f32>(dot(x0 + x1 + x2 + x3, {one}), dot(x4 + x5 + x6 + x7, {one}));"
        );
        for (value, (matrix, row)) in self.rows.iter().enumerate() {
            let name = self.matrices[*matrix].name;
            let _ = writeln!(
                text,
                "        t{value} += {name}_dot({row}, block, {DOT_ARGUMENTS});"
            );
        }
        if self.squares {
            let _ = writeln!(text, "        t{} += squares;", values - 1);
        }
        text += "    }\n";
        if subgroups {
            for value in 0..values {
                let _ = writeln!(text, "    t{value} = subgroupAdd(t{value});");
            }
            text += "    if (lane == 0u) {\n";
            for value in 0..values {
                let at = value * threads as usize;
                let _ = writeln!(text, "        partial[{at}u + subgroup] = t{value};");
            }
            text += "    }\n    workgroupBarrier();\n";
            let _ = writeln!(
                text,
                "    for (var value = thread; value < {values}u; value += {threads}u) {{\n        \
                 var total = 0.0;\n        for (var other = 0u; other < subgroups; other++) {{\n            \
                 total += partial[value * {threads}u + other];\n        }}\n        \
                 totals[value] = total;\n    }}\n    workgroupBarrier();"
            );
        } else {
            for value in 0..values {
                let at = value * threads as usize;
                let _ = writeln!(text, "    partial[{at}u + thread] = t{value};");
            }
            text += "    workgroupBarrier();\n";
            let mut stride = threads / 2;
            while stride > 0 {
                let _ = writeln!(text, "    if (thread < {stride}u) {{");
                for value in 0..values {
                    let at = value * threads as usize;
                    let _ = writeln!(
                        text,
                        "        partial[{at}u + thread] += partial[{}u + thread];",
                        at + stride as usize
                    );
                }
                text += "    }\n    workgroupBarrier();\n";
                stride /= 2;
            }
            let _ = writeln!(
                text,
                "    for (var value = thread; value < {values}u; value += {threads}u) {{\n        \
                 totals[value] = partial[value * {threads}u];\n    }}\n    workgroupBarrier();"
            );
        }
        text += self.after;
        text += "}\n";
        Shader {
            text,
            grid: grid(self.groups),
        }
    }
}

fn grid(groups: usize) -> [u32; 3] {
    let groups = groups as u32;
    [
        groups.min(MOST_GROUPS),
        groups.div_ceil(MOST_GROUPS).max(1),
        1,
    ]
}

/// `hidden`, weighed by the norm; its squares are those before weighing.
fn load_normalised(columns: usize) -> String {
    parts(|part| {
        let at = part * (columns / BLOCK);
        format!(
            "        let h{part} = hidden[{at}u + block];
        squares += dot(h{part}, h{part});
        let x{part} = h{part} * parameters[{at}u + block];
"
        )
    })
}

/// `place(column)`: where a column's number lies, spread.
fn place(columns: usize) -> String {
    let blocks = columns / BLOCK;
    format!(
        "fn place(column: u32) -> u32 {{
    return ((((column >> 2u) & 7u) * {blocks}u + (column >> 5u)) << 2u) | (column & 3u);
}}
"
    )
}

/// Numbers in the order of columns, spread.
pub(super) fn spread(values: &[f32]) -> Vec<f32> {
    let blocks = values.len() / BLOCK;
    let place = |column: usize| (column / 4 % 8 * blocks + column / BLOCK) * 4 + column % 4;
    let mut out = vec![0.0; values.len()];
    for (column, value) in values.iter().enumerate() {
        out[place(column)] = *value;
    }
    out
}

/// Spreads a row. Bindings: 0 the row, 1 hidden.
pub(super) fn spread_row(columns: usize) -> Shader {
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

fn parts(statement: impl Fn(usize) -> String) -> String {
    (0..8).map(statement).collect()
}

fn inverse(dimensions: &Dimensions, squares: usize) -> String {
    format!(
        "    let scale = inverseSqrt(totals[{squares}] / {:?} + {:e});\n",
        dimensions.width as f32, dimensions.epsilon
    )
}

/// Norm, then query, key and value with their biases, rotated, the latter two written to the cache.
///
/// Bindings: 1 hidden, 2 parameters (norm, biases of query, key, value), 3 query, 4 keys, 5 values,
/// 6 state, 7 rotation (cosine and sine, position × pair).
pub(super) fn query_key_value(
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

/// Positions whose scores a workgroup of the attention computes at a time, and its threads.
pub(super) const ATTENTION_TILE: usize = 128;

/// Attention of one position over the cache: a workgroup takes a query head and some pages; what comes of several
/// splits is put together in [`output`].
///
/// Bindings: 0 query, 1 keys, 2 values, 3 state, 4 partial sums (split × all heads' dimensions, spread), 5 their
/// largest scores and sums of weights (head × split).
pub(super) fn attention(abilities: Abilities, dimensions: &Dimensions) -> Shader {
    let Dimensions {
        heads,
        kv_heads,
        head_width,
        ..
    } = *dimensions;
    let sharing = heads / kv_heads;
    let all_blocks = heads * head_width / BLOCK;
    let quads = head_width / 4;
    let threads = ATTENTION_TILE;
    // Threads that share a quarter of the dimensions take turns with the positions.
    let turns = threads / quads;
    let (enable, element) = if abilities.halves {
        ("enable f16;\n", "vec4<f16>")
    } else {
        ("", "vec4<f32>")
    };
    let scale = 1.0 / (head_width as f32).sqrt();
    let mut products = String::new();
    for quad in 0..quads {
        let _ = writeln!(
            products,
            "            products += queries[{quad}] * vec4<f32>(keys[at + {quad}u]);"
        );
    }
    // What lies behind the end weighs nothing, but must be something.
    let mut weighed = String::new();
    for step in 0..threads.div_ceil(turns) {
        let _ = writeln!(
            weighed,
            "            let p{step} = turn + {}u;
            let at{step} = min(start + p{step}, end - 1u);
            let row{step} = (pages[(at{step} - start) >> 5u] + (at{step} & 31u)) * {quads}u + quad;
            sum += scores[min(p{step}, {threads}u)] * vec4<f32>(values[row{step}]);",
            step * turns
        );
    }
    let (arguments, largest) = if abilities.subgroups {
        (
            "    @builtin(subgroup_invocation_id) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
",
            "        let most = subgroupMax(score);
        if (lane == 0u) {
            parts[subgroup] = most;
        }
        workgroupBarrier();
        var next = largest;
        for (var part = 0u; part < subgroups; part++) {
            next = max(next, parts[part]);
        }
"
            .to_owned(),
        )
    } else {
        let mut text =
            String::from("        parts[thread] = score;\n        workgroupBarrier();\n");
        let mut stride = threads / 2;
        while stride > 0 {
            let _ = writeln!(
                text,
                "        if (thread < {stride}u) {{
            parts[thread] = max(parts[thread], parts[thread + {stride}u]);
        }}
        workgroupBarrier();"
            );
            stride /= 2;
        }
        text += "        let next = max(largest, parts[0]);\n";
        ("", text)
    };
    let (totals, total_parts) = if abilities.subgroups {
        (
            "    let together = subgroupAdd(total);
    if (lane == 0u) {
        parts[subgroup] = together;
    }
",
            "subgroups".to_owned(),
        )
    } else {
        ("    parts[thread] = total;\n", format!("{threads}u"))
    };
    let text = format!(
        "{enable}@group(0) @binding(0) var<storage, read> query: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> keys: array<{element}>;
@group(0) @binding(2) var<storage, read> values: array<{element}>;
@group(0) @binding(3) var<storage, read> state: array<u32>;
@group(0) @binding(4) var<storage, read_write> sums: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> weights: array<vec2<f32>>;
var<workgroup> queries: array<vec4<f32>, {quads}>;
var<workgroup> parts: array<f32, {threads}>;
var<workgroup> scores: array<f32, {}>;
var<workgroup> pages: array<u32, {}>;
var<workgroup> rests: array<vec4<f32>, {threads}>;
@compute @workgroup_size({threads})
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
{arguments}) {{
    let head = workgroup.x;
    let kv_head = head / {sharing}u;
    let split = workgroup.y;
    let length = state[0];
    let all_pages = (length + 31u) / 32u;
    let share = (all_pages + workgroups.y - 1u) / workgroups.y;
    let first = min(split * share * 32u, length);
    let end = min((split + 1u) * share * 32u, length);
    if (thread < {quads}u) {{
        queries[thread] = query[head * {quads}u + thread] * {scale:?};
    }}
    let quad = thread % {quads}u;
    let turn = thread / {quads}u;
    var largest = -1e30;
    var total = 0.0;
    var sum = vec4<f32>(0.0);
    if (thread == 0u) {{
        scores[{threads}] = 0.0;
    }}
    workgroupBarrier();
    for (var start = first; start < end; start += {threads}u) {{
        let position = start + thread;
        var score = -1e30;
        if (position < end) {{
            let page = (state[{STATE_TABLE}u + (position >> 5u)] * {kv_heads}u + kv_head) * 32u;
            if ((thread & 31u) == 0u) {{
                pages[thread >> 5u] = page;
            }}
            let at = (page + (position & 31u)) * {quads}u;
            var products = vec4<f32>(0.0);
{products}            score = products.x + products.y + products.z + products.w;
        }}
{largest}        let rescale = exp(largest - next);
        largest = next;
        let weight = exp(score - next);
        total = total * rescale + weight;
        sum *= rescale;
        scores[thread] = weight;
        workgroupBarrier();
        if (turn < {turns}u) {{
{weighed}        }}
        workgroupBarrier();
    }}
{totals}    rests[thread] = sum;
    workgroupBarrier();
    let out = head * {MOST_SPLITS}u + split;
    if (thread < {quads}u) {{
        var whole = vec4<f32>(0.0);
        for (var other = 0u; other < {turns}u; other++) {{
            whole += rests[other * {quads}u + thread];
        }}
        let column4 = head * {quads}u + thread;
        sums[(split * 8u + (column4 & 7u)) * {all_blocks}u + (column4 >> 3u)] = whole;
    }}
    if (thread == {}u) {{
        var whole = 0.0;
        for (var other = 0u; other < {total_parts}; other++) {{
            whole += parts[other];
        }}
        weights[out] = vec2<f32>(largest, whole);
    }}
}}
",
        threads + 1,
        threads / 32,
        threads - 1
    );
    Shader {
        text,
        grid: [heads as u32, 1, 1],
    }
}

/// Puts the splits together, multiplies by the output's matrix, and adds that onto the hidden state.
///
/// Bindings: 1 the splits' sums, 2 their weights, 3 hidden, 4 state.
pub(super) fn output(
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
pub(super) fn down(abilities: Abilities, planes: Planes, shape: Shape) -> Shader {
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
    let rows: Vec<_> = (0..count)
        .map(|index| (0, format!("group * {count}u + {index}u")))
        .collect();
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
pub(super) fn gate_up(
    abilities: Abilities,
    dimensions: &Dimensions,
    [gate, up]: [Planes; 2],
    shape: Shape,
) -> Shader {
    let shape = shape.fitting(gate.rows);
    let count = shape.rows;
    let row = |index: usize| format!("group * {count}u + {index}u");
    let rows: Vec<_> = (0..count)
        .map(|index| (0, row(index)))
        .chain((0..count).map(|index| (1, row(index))))
        .collect();
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
pub(super) fn logits(
    abilities: Abilities,
    dimensions: &Dimensions,
    planes: Planes,
    first_row: usize,
    shape: Shape,
) -> Shader {
    let shape = shape.fitting(planes.rows);
    let count = shape.rows;
    let rows: Vec<_> = (0..count)
        .map(|index| (0, format!("group * {count}u + {index}u")))
        .collect();
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

/// The rows of some tokens of the sequence, out of the part of the embedding that has its rows from
/// `first_row` on: a workgroup a token, of those from `state[3]` on.
/// Bindings: 0 weights, 1 tokens, 2 state, 3 hidden.
pub(super) fn embed(planes: Planes, first_row: usize, is_spread: bool) -> String {
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
