// A tile of the product of a quantised matrix and a chunk's activations: out[token, row] = Σ weight[row, column] · x[token, column].
// A workgroup has 64 rows and 64 tokens, a thread four of each, 16 apart. Both tiles are 32 columns deep; the next
// ones are under way while this one is multiplied.

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
}

@group(0) @binding(0) var<uniform> chunk: Chunk;
@group(0) @binding(1) var<uniform> matrix: Matrix;
@group(0) @binding(2) var<storage, read> planes: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

const TILE: u32 = 64u;
const QUADS: u32 = 8u;

// Row or token → four columns. Neighbouring rows' lie in other banks.
var<workgroup> row_tile: array<vec4<f32>, TILE * QUADS>;
var<workgroup> token_tile: array<vec4<f32>, TILE * QUADS>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let first_token = group.x * TILE;
    let first_row = group.y * TILE;

    // What this thread brings: eight columns of a row and of a token, of the last one where there are no more.
    let line = thread / 4u;
    let part = thread % 4u;
    let to = line * QUADS + (part ^ (line % QUADS));
    let block = min(first_row + line, matrix.rows - 1u) * matrix.blocks;
    let source = min(first_token + line, chunk.tokens - 1u) * matrix.blocks * QUADS + part;
    var next_weights = weights(block, part);
    var next_x = array(x[source], x[source + 4u]);

    // What it computes.
    let row = thread % 16u;
    let token = thread / 16u;
    let row_turn = row % QUADS;
    let token_turn = token % QUADS;
    var sum$i = vec4(0.0);

    for (var at = 0u; at < matrix.blocks; at++) {
        workgroupBarrier();
        row_tile[to] = next_weights[0];
        row_tile[to ^ 4u] = next_weights[1];
        token_tile[to] = next_x[0];
        token_tile[to ^ 4u] = next_x[1];
        workgroupBarrier();
        if at + 1u < matrix.blocks {
            next_weights = weights(block + at + 1u, part);
            let next = source + (at + 1u) * QUADS;
            next_x = array(x[next], x[next + 4u]);
        }
        for (var quad = 0u; quad < QUADS; quad++) {
            let of_row = row * QUADS + (quad ^ row_turn);
            let of_token = token * QUADS + (quad ^ token_turn);
            let tokens = transpose(mat4x4<f32>(
                token_tile[of_token],
                token_tile[of_token + 16u * QUADS],
                token_tile[of_token + 32u * QUADS],
                token_tile[of_token + 48u * QUADS],
            ));
            let row$i = row_tile[of_row + $iu * 16u * QUADS];
            sum$i = sum$i + row$i.x * tokens[0] + row$i.y * tokens[1] + row$i.z * tokens[2] + row$i.w * tokens[3];
        }
    }

    put(first_row + row + $iu * 16u, first_token + token, sum$i);
}

fn put(row: u32, first_token: u32, sums: vec4<f32>) {
    if row >= matrix.rows {
        return;
    }
    for (var index = 0u; index < 4u; index++) {
        let token = first_token + index * 16u;
        if token < chunk.tokens {
            finish(token * matrix.out_width + matrix.out_first + row, row, sums[index]);
        }
    }
}
