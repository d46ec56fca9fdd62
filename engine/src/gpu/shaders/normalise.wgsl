// The RMS norm of each token's row, times the weight: a workgroup for each token.
// QUADS: a row's numbers by four. EPSILON.

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> normalised: array<vec4<f32>>;

const THREADS: u32 = 256u;

var<workgroup> squares: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) token: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let row = token.x * QUADS;
    var sum = 0.0;
    for (var quad = thread; quad < QUADS; quad += THREADS) {
        let at = x[row + quad];
        sum += dot(at, at);
    }
    squares[thread] = sum;
    for (var width = THREADS / 2u; width > 0u; width /= 2u) {
        workgroupBarrier();
        if thread < width {
            squares[thread] += squares[thread + width];
        }
    }
    workgroupBarrier();
    let scale = inverseSqrt(squares[0] / f32(4u * QUADS) + EPSILON);
    for (var quad = thread; quad < QUADS; quad += THREADS) {
        normalised[row + quad] = x[row + quad] * scale * weight[quad];
    }
}
