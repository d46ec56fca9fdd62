//! One position's attention over the cache.

use std::fmt::Write;

use super::super::device::Abilities;
use super::super::matrix::BLOCK;
use super::{Dimensions, MOST_SPLITS, STATE_TABLE, Shader};

/// Positions whose scores a workgroup of the attention computes at a time, and its threads.
pub(in crate::gpu) const ATTENTION_TILE: usize = 128;

/// Attention of one position over the cache: a workgroup takes a query head and some pages; what comes of several
/// splits is put together in [`output`].
///
/// Bindings: 0 query, 1 keys, 2 values, 3 state, 4 partial sums (split × all heads' dimensions, spread), 5 their
/// largest scores and sums of weights (head × split).
pub(in crate::gpu) fn attention(abilities: Abilities, dimensions: &Dimensions) -> Shader {
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
