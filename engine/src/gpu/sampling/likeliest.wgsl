// The likeliest of up to 4096 entries, in order: what both dispatches of a step share. An entry is a
// logit's place among all logits (0 for what is never chosen) and its token. Whoever joins this text
// says what `entry(at)` is.

struct Settings {
    vocabulary: u32,
    slices: u32,
    // How many are kept, 1 to 64.
    top_k: u32,
    repeat_penalty: f32,
    temperature: f32,
    top_p: f32,
    // How far below the largest a logit may lie.
    least: f32,
    // One a step.
    uniforms: array<vec4<f32>, 16>,
}

@group(0) @binding(0) var<uniform> settings: Settings;
// Entries of each slice: the likeliest of all slices, then the second likeliest of all, and so on.
@group(0) @binding(1) var<storage, read_write> slices: array<vec2<u32>>;

var<workgroup> firsts: array<vec2<u32>, 256>;
var<workgroup> bound: vec2<u32>;
var<workgroup> candidates: array<vec2<u32>, 1024>;
var<workgroup> candidate_count: atomic<u32>;
var<workgroup> likeliest: array<vec2<u32>, 64>;

fn likelier(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.x > b.x || (a.x == b.x && a.y < b.y);
}

// The first of all threads' own.
fn select_first(thread: u32) {
    workgroupBarrier();
    for (var stride = 128u; stride > 0u; stride /= 2u) {
        if thread < stride && likelier(firsts[thread + stride], firsts[thread]) {
            firsts[thread] = firsts[thread + stride];
        }
        workgroupBarrier();
    }
    if thread == 0u {
        likeliest[0] = firsts[0];
    }
    workgroupBarrier();
}

// Fills `likeliest` up to `top_k`, with zeros where there are fewer. Every thread's likeliest entry is
// one, so the k-th of those is a bound that k entries reach; and what else reaches it lies with the k
// threads whose own does, at most 16 with each.
fn select_likeliest(thread: u32, begin: u32, end: u32) {
    var own = vec2<u32>(0u, 0xffffffffu);
    for (var at = begin + thread; at < end; at += 256u) {
        let found = entry(at);
        if likelier(found, own) {
            own = found;
        }
    }
    firsts[thread] = own;
    if settings.top_k == 1u {
        select_first(thread);
        return;
    }
    if thread == 0u {
        bound = vec2<u32>(0u, 0u);
        atomicStore(&candidate_count, 0u);
    }
    if thread < 64u {
        likeliest[thread] = vec2<u32>(0u, 0u);
    }
    workgroupBarrier();

    var rank = 0u;
    for (var other = 0u; other < 256u; other++) {
        rank += u32(likelier(firsts[other], own));
    }
    if rank == settings.top_k - 1u && own.x != 0u {
        bound = own;
    }
    workgroupBarrier();

    if !likelier(bound, own) {
        for (var at = begin + thread; at < end; at += 256u) {
            let found = entry(at);
            if found.x != 0u && !likelier(bound, found) {
                candidates[atomicAdd(&candidate_count, 1u)] = found;
            }
        }
    }
    workgroupBarrier();

    let count = atomicLoad(&candidate_count);
    for (var at = thread; at < count; at += 256u) {
        let candidate = candidates[at];
        var rank = 0u;
        for (var other = 0u; other < count; other++) {
            rank += u32(likelier(candidates[other], candidate));
        }
        if rank < settings.top_k {
            likeliest[rank] = candidate;
        }
    }
    workgroupBarrier();
}
