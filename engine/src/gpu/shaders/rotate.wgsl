// Rotates a chunk's queries and keys, scales the queries, and writes keys and values to the cache. A thread has
// two pairs of dimensions of one head of one token.
// HEADS, KV_HEADS, HEAD_WIDTH, NEIGHBOURS (whether a pair is two neighbours, or one of each half), SCALE,
// TABLE, Pair.

struct Chunk {
    tokens: u32,
    first_position: u32,
}

@group(0) @binding(0) var<uniform> chunk: Chunk;
// token → query heads, key heads, value heads → dimension
@group(0) @binding(1) var<storage, read_write> heads: array<vec2<f32>>;
// position → two pairs → cosine and sine of each
@group(0) @binding(2) var<storage, read> angles: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> state: array<u32>;
@group(0) @binding(4) var<storage, read_write> keys: array<Pair>;
@group(0) @binding(5) var<storage, read_write> values: array<Pair>;

const THREADS: u32 = 256u;
// Threads of a head.
const PARTS: u32 = HEAD_WIDTH / 4u;
const ALL_HEADS: u32 = HEADS + 2u * KV_HEADS;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let token = id.x / (ALL_HEADS * PARTS);
    let head = id.x / PARTS % ALL_HEADS;
    let part = id.x % PARTS;
    if token >= chunk.tokens {
        return;
    }
    let row = (token * ALL_HEADS + head) * 2u * PARTS;
    var one = part;
    var other = part + PARTS;
    if NEIGHBOURS {
        one = 2u * part;
        other = 2u * part + 1u;
    }
    var x = heads[row + one];
    var y = heads[row + other];
    let position = chunk.first_position + token;
    if head < HEADS + KV_HEADS {
        let turn = angles[position * PARTS + part];
        if NEIGHBOURS {
            x = vec2(x.x * turn.x - x.y * turn.y, x.x * turn.y + x.y * turn.x);
            y = vec2(y.x * turn.z - y.y * turn.w, y.x * turn.w + y.y * turn.z);
        } else {
            let before = x;
            x = before * turn.xz - y * turn.yw;
            y = before * turn.yw + y * turn.xz;
        }
    }
    if head < HEADS {
        heads[row + one] = x * SCALE;
        heads[row + other] = y * SCALE;
        return;
    }
    let block = state[TABLE + position / 32u];
    let kv_head = (head - HEADS) % KV_HEADS;
    let to = ((block * KV_HEADS + kv_head) * 32u + position % 32u) * 2u * PARTS;
    if head < HEADS + KV_HEADS {
        keys[to + one] = pair(x);
        keys[to + other] = pair(y);
    } else {
        values[to + one] = pair(x);
        values[to + other] = pair(y);
    }
}
