// Each workgroup penalises what repeats in its slice of the logits and finds the slice's likeliest.

// As bits: a shader may take it that no float is infinite or no number.
@group(0) @binding(2) var<storage, read_write> logits: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: array<u32>;
@group(0) @binding(4) var<storage, read_write> tokens: array<u32>;

// Larger floats have larger places, and both zeros the same; what is no number, and what is impossible, has 0.
fn place(bits: u32) -> u32 {
    let magnitude = bits & 0x7fffffffu;
    if magnitude > 0x7f800000u || bits == 0xff800000u {
        return 0u;
    }
    if bits > 0x80000000u {
        return ~bits;
    }
    return magnitude | 0x80000000u;
}

fn entry(token: u32) -> vec2<u32> {
    return vec2<u32>(place(logits[token]), token);
}

// Thread n looks at the n-th last token.
fn penalise(thread: u32, begin: u32, end: u32) {
    let length = state[0];
    if thread >= min(length, 64u) {
        return;
    }
    let token = tokens[length - 1u - thread];
    if token < begin || token >= end {
        return;
    }
    for (var later = 0u; later < thread; later++) {
        if tokens[length - 1u - later] == token {
            return;
        }
    }
    if place(logits[token]) == 0u {
        return;
    }
    let logit = bitcast<f32>(logits[token]);
    let penalty = settings.repeat_penalty;
    logits[token] = bitcast<u32>(select(logit * penalty, logit / penalty, logit > 0.0));
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let begin = group.x * 4096u;
    let end = min(begin + 4096u, settings.vocabulary);
    if settings.repeat_penalty != 1.0 {
        penalise(thread, begin, end);
    }
    storageBarrier();
    select_likeliest(thread, begin, end);
    if thread < settings.top_k {
        slices[thread * settings.slices + group.x] = likeliest[thread];
    }
}
