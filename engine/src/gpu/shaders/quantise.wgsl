// A chunk's activations as signed bytes, in blocks of 32 with a scale: a thread for each block.
// BLOCKS of a token.

struct Chunk {
    tokens: u32,
    first_position: u32,
}

@group(0) @binding(0) var<uniform> chunk: Chunk;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> quants: array<vec4<u32>>;
// The scale, and the sum of what the quants stand for.
@group(0) @binding(3) var<storage, read_write> scales: array<vec2<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let block = id.x;
    if block >= chunk.tokens * BLOCKS {
        return;
    }
    let x$quad = x[8u * block + $quadu];
    var peaks = abs(x0);
    peaks = max(peaks, abs(x$quad));
    let peak = max(max(peaks.x, peaks.y), max(peaks.z, peaks.w));
    // Multiplied by what is finite: shaders need not have infinities.
    let times = select(0.0, 127.0 / peak, peak > 1e-30);
    let q$quad = vec4<i32>(round(x$quad * times));
    var sum = vec4(0);
    sum += q$quad;
    quants[2u * block] = vec4(packed(q0), packed(q1), packed(q2), packed(q3));
    quants[2u * block + 1u] = vec4(packed(q4), packed(q5), packed(q6), packed(q7));
    let scale = peak / 127.0;
    scales[block] = vec2(scale, scale * f32(sum.x + sum.y + sum.z + sum.w));
}

fn packed(q: vec4<i32>) -> u32 {
    let bytes = (bitcast<vec4<u32>>(q) & vec4(255u)) << vec4(0u, 8u, 16u, 24u);
    return bytes.x | bytes.y | bytes.z | bytes.w;
}
