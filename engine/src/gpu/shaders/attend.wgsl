// Attention of a chunk's queries over the cached positions up to each one's own. A workgroup has some neighbouring
// queries of the heads that share keys and values, and goes over the cache a tile of positions at a time; the
// softmax is computed online.
// HEADS, KV_HEADS, HEAD_WIDTH, QUERIES of a workgroup, TABLE, Quad.

struct Chunk {
    tokens: u32,
    first_position: u32,
}

@group(0) @binding(0) var<uniform> chunk: Chunk;
// token → query heads, key heads, value heads → dimension; the queries are scaled
@group(0) @binding(1) var<storage, read> heads: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
@group(0) @binding(3) var<storage, read> keys: array<Quad>;
@group(0) @binding(4) var<storage, read> values: array<Quad>;
@group(0) @binding(5) var<storage, read_write> attended: array<vec4<f32>>;

const THREADS: u32 = 256u;
const SHARING: u32 = HEADS / KV_HEADS;
// A head's dimensions by four, and where the next position's begin in a tile.
const QUADS: u32 = HEAD_WIDTH / 4u;
const STRIDE: u32 = (QUADS + 7u) / 8u * 8u;
// Threads of a query while scores are computed, each with four positions.
const LANES: u32 = THREADS / QUERIES;
const POSITIONS: u32 = 4u * LANES;
// Threads of GATHERED queries while values are summed up, each with four dimensions.
const COLUMNS: u32 = select(32u, 16u, QUADS <= 16u);
const GATHERED: u32 = QUERIES * COLUMNS / THREADS;
// Less than any score; no infinity, which shaders need not have.
const LOWEST: f32 = -1e30;

// Keys, then values: position % 4 → position / 4 → four dimensions. Each lane reads four positions, and what lanes read
// at once lies in different banks.
var<workgroup> tile: array<array<vec4<f32>, LANES * STRIDE>, 4>;
// query → lane
var<workgroup> weights: array<vec4<f32>, THREADS>;
// The largest score of each lane, at the end the sum of its weights.
var<workgroup> peaks: array<f32, THREADS>;
// By how much each query's sums shrink.
var<workgroup> shrinks: array<f32, QUERIES>;

fn place(lane: u32, quad: u32) -> u32 {
    return lane * STRIDE + (quad ^ lane);
}

fn keep(at: u32, numbers: vec4<f32>) {
    let position = at / QUADS;
    tile[position % 4u][place(position / 4u, at % QUADS)] = numbers;
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let kv_head = group.x;
    let queries = chunk.tokens * SHARING;
    // The last queries see the most: they come first, so that all workgroups end together.
    let first = ((queries + QUERIES - 1u) / QUERIES - 1u - group.y) * QUERIES;
    let length = chunk.first_position + (min(first + QUERIES, queries) - 1u) / SHARING + 1u;

    let query = thread / LANES;
    let lane = thread % LANES;
    let asked = min(first + query, queries - 1u);
    let row = (asked / SHARING * (HEADS + 2u * KV_HEADS) + kv_head * SHARING + asked % SHARING) * QUADS;
    let sees = chunk.first_position + asked / SHARING + 1u;
    var largest = LOWEST;
    var total = 0.0;

    let column = thread % COLUMNS;
    let quad = min(column, QUADS - 1u);
    let gathers = thread / COLUMNS * GATHERED;
    var sum$i = vec4(0.0);

    for (var start = 0u; start < length; start += POSITIONS) {
        // Behind the last position lies anything.
        let seen = min(POSITIONS, length - start) * QUADS;
        let source = ((state[TABLE + start / 32u] * KV_HEADS + kv_head) * 32u + start % 32u) * QUADS;

        workgroupBarrier();
        for (var at = thread; at < POSITIONS * QUADS; at += THREADS) {
            var key = vec4(0.0);
            if at < seen {
                key = numbers(keys[source + at]);
            }
            keep(at, key);
        }
        workgroupBarrier();

        var scores = vec4(0.0);
        // $quad {
        {
            let asks = heads[row + $quadu];
            let at = place(lane, $quadu);
            let four = transpose(mat4x4<f32>(tile[0][at], tile[1][at], tile[2][at], tile[3][at]));
            scores = scores + asks.x * four[0] + asks.y * four[1] + asks.z * four[2] + asks.w * four[3];
        }
        // }
        let positions = vec4(start + 4u * lane) + vec4(0u, 1u, 2u, 3u);
        scores = select(vec4(LOWEST), scores, positions < vec4(sees));
        peaks[thread] = max(max(scores.x, scores.y), max(scores.z, scores.w));
        workgroupBarrier();

        var peak = largest;
        peak = max(peak, peaks[query * LANES + $laneu]);
        let softened = exp(scores - vec4(peak));
        let shrink = exp(largest - peak);
        total = total * shrink + dot(softened, vec4(1.0));
        largest = peak;
        weights[thread] = softened;
        if lane == 0u {
            shrinks[query] = shrink;
        }
        for (var at = thread; at < POSITIONS * QUADS; at += THREADS) {
            var value = vec4(0.0);
            if at < seen {
                value = numbers(values[source + at]);
            }
            keep(at, value);
        }
        workgroupBarrier();

        sum$i *= shrinks[gathers + $iu];
        // $lane {
        {
            let at = place($laneu, quad);
            let value0 = tile[0][at];
            let value1 = tile[1][at];
            let value2 = tile[2][at];
            let value3 = tile[3][at];
            let weight$i = weights[(gathers + $iu) * LANES + $laneu];
            sum$i = sum$i + weight$i.x * value0 + weight$i.y * value1 + weight$i.z * value2 + weight$i.w * value3;
        }
        // }
    }

    peaks[thread] = total;
    workgroupBarrier();
    if column < QUADS {
        write_out(kv_head, first + gathers + $iu, queries, quad, sum$i, gathers + $iu);
    }
}

fn write_out(kv_head: u32, asked: u32, queries: u32, quad: u32, sum: vec4<f32>, query: u32) {
    if asked >= queries {
        return;
    }
    var total = 0.0;
    total += peaks[query * LANES + $laneu];
    let head = kv_head * SHARING + asked % SHARING;
    attended[(asked / SHARING * HEADS + head) * QUADS + quad] = sum / total;
}
