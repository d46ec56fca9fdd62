// What both kinds of products of quantised matrices and a chunk's activations have in common.
// ROWS_EACH of a thread, GATED (whether the second half of a tile's rows are the second matrix'), COUNT of matrices.

struct Chunk {
    tokens: u32,
    first_position: u32,
}

// Planes in the array's own units of 16 bytes; `out_width`, `out_first` and `first_bias` in numbers.
struct Matrix {
    rows: u32,
    blocks: u32,
    quants: u32,
    high: u32,
    scales: u32,
    supers: u32,
    out_width: u32,
    out_first: u32,
    first_bias: u32,
    first_tile: u32,
    unused: vec2<u32>,
}

@group(0) @binding(0) var<uniform> chunk: Chunk;
@group(0) @binding(1) var<uniform> matrices: array<Matrix, COUNT>;
@group(0) @binding(2) var<storage, read> planes: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

const ROWS: u32 = 16u * ROWS_EACH;
const TOKENS: u32 = 64u;
// Rows of each matrix.
const STEP: u32 = select(ROWS, ROWS / 2u, GATED);

fn put(matrix: Matrix, row: u32, first_token: u32, sums: vec4<f32>) {
    if row >= matrix.rows {
        return;
    }
    for (var index = 0u; index < 4u; index++) {
        let token = first_token + index * 16u;
        if token < chunk.tokens {
            let at = token * matrix.out_width + matrix.out_first + row;
            out[at] = finished(at, matrix.first_bias + row, sums[index]);
        }
    }
}

fn silu(x: vec4<f32>) -> vec4<f32> {
    // No exponential overflows.
    return x / (vec4(1.0) + exp(min(-x, vec4(80.0))));
}
