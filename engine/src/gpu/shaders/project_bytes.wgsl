// As project.wgsl, with activations of eight bits: four columns are multiplied and summed up at a time, where the GPU has
// an instruction for it, and a block's sums become floats once.
// HALVES: whether some row has a scale of its own for a block's second half.

@group(0) @binding(3) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> x_scales: array<vec2<f32>>;

// Row or token / 16 → row or token % 16 → half of a block. Neighbours' lie in other banks.
var<workgroup> row_tile: array<array<vec4<u32>, 32>, ROWS_EACH>;
var<workgroup> token_tile: array<array<vec4<u32>, 32>, 4>;
// The scales of a block's halves, and its minimum.
var<workgroup> row_scales: array<vec4<f32>, ROWS>;
// A block's scale, and what its activations come to.
var<workgroup> token_scales: array<vec2<f32>, TOKENS>;

// Of a row's or token's first half; that of the other one is one bit away.
fn place(line: u32) -> u32 {
    return 2u * (line % 16u) + line / 4u % 2u;
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let kind = kind_of(group.y);
    let matrix = matrices[kind];
    let first_token = group.x * TOKENS;
    let first_row = (group.y - matrix.first_tile) * STEP;

    // What this thread brings: half a block of a token, or of a row; of the last one where there are no more.
    let line = thread / 2u % 64u;
    let side = thread % 2u;
    let to = place(line) ^ side;
    let brings_token = thread >= 128u;
    let brings_row = !brings_token && line < ROWS;
    let brings_kind = select(kind, line / STEP % 2u, GATED);
    let block = min(first_row + line % STEP, matrix.rows - 1u) * matrix.blocks;
    let source = min(first_token + line, chunk.tokens - 1u) * matrix.blocks;
    var raw = Raw();
    if brings_token {
        raw = activations(source, side);
    } else {
        raw = fetch(brings_kind, block, side);
    }

    // What it computes.
    let row = thread % 16u;
    let token = thread / 16u;
    let row_at = place(row);
    let token_at = place(token);
    var sum$i = vec4(0.0);

    for (var at = 0u; at < matrix.blocks; at++) {
        workgroupBarrier();
        if brings_token {
            token_tile[line / 16u][to] = raw.quants;
            if side == 0u {
                token_scales[line] = bitcast<vec2<f32>>(vec2(raw.scales, raw.factors));
            }
        } else if brings_row {
            row_tile[line / 16u][to] = quants(brings_kind, raw, side);
            if side == 0u {
                row_scales[line] = vec4(scales(brings_kind, raw, block + at), 0.0);
            }
        }
        workgroupBarrier();
        let next = min(at + 1u, matrix.blocks - 1u);
        if brings_token {
            raw = activations(source + next, side);
        } else {
            raw = fetch(brings_kind, block + next, side);
        }
        let low$i = row_tile[$i][row_at];
        let high$i = row_tile[$i][row_at ^ 1u];
        let scales$i = row_scales[row + 16u * $iu];
        // $token {
        {
            let low = token_tile[$token][token_at];
            let high = token_tile[$token][token_at ^ 1u];
            let scale = token_scales[token + 16u * $tokenu];
            sum$i[$token] += product(low$i, high$i, scales$i, low, high, scale);
        }
        // }
    }

    put(matrix, first_row + row + $outu * 16u, first_token + token, $sum);
}

fn activations(block: u32, side: u32) -> Raw {
    let scales = bitcast<vec2<u32>>(x_scales[block]);
    return Raw(x[2u * block + side], 0u, scales.x, scales.y);
}

// A whole number up to 2^22 becomes a float by its bits under an exponent: conversions are slow.
const LIFT: i32 = 0x4b400000;
const LIFTED: f32 = 12582912.0;

fn product(
    low_quants: vec4<u32>,
    high_quants: vec4<u32>,
    scales: vec4<f32>,
    low: vec4<u32>,
    high: vec4<u32>,
    scale: vec2<f32>,
) -> f32 {
    let first = dot_of(low_quants, low, LIFT);
    var sum: f32;
    if HALVES {
        let second = dot_of(high_quants, high, LIFT);
        sum = scales.x * (bitcast<f32>(first) - LIFTED) + scales.y * (bitcast<f32>(second) - LIFTED);
    } else {
        sum = scales.x * (bitcast<f32>(dot_of(high_quants, high, first)) - LIFTED);
    }
    return scale.x * sum - scale.y * scales.z;
}

fn dot_of(a: vec4<u32>, b: vec4<u32>, start: i32) -> i32 {
    return start + dot4I8Packed(a.x, b.x) + dot4I8Packed(a.y, b.y) + dot4I8Packed(a.z, b.z) + dot4I8Packed(a.w, b.w);
}
