// A tile of the product of quantised matrices and a chunk's activations: out[token, row] = Σ weight[row, column] · x[token, column].
// A workgroup has ROWS rows and 64 tokens; a thread has ROWS_EACH and four of them, 16 apart. Both tiles are 32
// columns deep; while they are multiplied, what the next ones are made of is on its way.

@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;

const QUADS: u32 = 8u;

// Row or token / 16 → row or token % 16 → four columns. Neighbours' lie in other banks.
var<workgroup> row_tile: array<array<vec4<f32>, 16u * QUADS>, ROWS_EACH>;
var<workgroup> token_tile: array<array<vec4<f32>, 16u * QUADS>, 4>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let kind = kind_of(group.y);
    let matrix = matrices[kind];
    let first_token = group.x * TOKENS;
    let first_row = (group.y - matrix.first_tile) * STEP;

    // What this thread brings: eight columns of a row and of a token, of the last one where there are no more.
    let line = thread / 4u;
    let part = thread % 4u;
    let to = line % 16u * QUADS + (part ^ (line % QUADS));
    let brings_row = line < ROWS;
    let brings_kind = select(kind, line / STEP % 2u, GATED);
    let block = min(first_row + line % STEP, matrix.rows - 1u) * matrix.blocks;
    let source = min(first_token + line, chunk.tokens - 1u) * matrix.blocks * QUADS + part;
    var raw = fetch(brings_kind, block, part);
    var low_x = x[source];
    var high_x = x[source + 4u];

    // What it computes.
    let row = thread % 16u;
    let token = thread / 16u;
    let row_at = row * QUADS + row % QUADS;
    let token_at = token * QUADS + token % QUADS;
    var sum$i = vec4(0.0);

    for (var at = 0u; at < matrix.blocks; at++) {
        workgroupBarrier();
        if brings_row {
            let weights = unpacked(brings_kind, raw, block + at, part);
            row_tile[line / 16u][to] = weights[0];
            row_tile[line / 16u][to ^ 4u] = weights[1];
        }
        token_tile[line / 16u][to] = low_x;
        token_tile[line / 16u][to ^ 4u] = high_x;
        workgroupBarrier();
        let next = min(at + 1u, matrix.blocks - 1u);
        raw = fetch(brings_kind, block + next, part);
        low_x = x[source + next * QUADS];
        high_x = x[source + next * QUADS + 4u];
        // $quad {
        {
            let tokens = transpose(mat4x4<f32>(
                token_tile[0][token_at ^ $quadu],
                token_tile[1][token_at ^ $quadu],
                token_tile[2][token_at ^ $quadu],
                token_tile[3][token_at ^ $quadu],
            ));
            let row$i = row_tile[$i][row_at ^ $quadu];
            sum$i = sum$i + row$i.x * tokens[0] + row$i.y * tokens[1] + row$i.z * tokens[2] + row$i.w * tokens[3];
        }
        // }
    }

    put(matrix, first_row + row + $outu * 16u, first_token + token, $sum);
}
