// One workgroup finds the likeliest of all slices, draws one of them, and writes it where the next
// step reads it.

@group(0) @binding(2) var<storage, read_write> state: array<u32>;
@group(0) @binding(3) var<storage, read_write> tokens: array<u32>;

// What remains of a candidate's probability as it is, and at the temperature.
var<workgroup> weights: array<vec2<f32>, 64>;

fn entry(at: u32) -> vec2<u32> {
    return slices[at];
}

fn logit(candidate: u32) -> f32 {
    let place = likeliest[candidate].x;
    return bitcast<f32>(select(~place, place & 0x7fffffffu, place >= 0x80000000u));
}

// The likeliest first; smaller ones that don't weigh anything may underflow.
fn weigh(candidate: u32) -> vec2<f32> {
    let below = logit(candidate) - logit(0u);
    return exp(max(vec2<f32>(below, below / settings.temperature), vec2<f32>(-100.0)));
}

fn draw(uniform_number: f32) -> u32 {
    let best = likeliest[0];
    // Nothing, or an infinite one that leaves no probability to others.
    if best.x == 0u || best.x == 0xff800000u {
        return best.y;
    }
    let least = logit(0u) + settings.least;
    var kept = 0u;
    var total = 0.0;
    while kept < settings.top_k && likeliest[kept].x != 0u && logit(kept) >= least {
        total += weights[kept].x;
        kept++;
    }
    if settings.top_p < 1.0 {
        let wanted = settings.top_p * total;
        var reached = 0.0;
        for (var at = 0u; at < kept; at++) {
            reached += weights[at].x;
            if reached >= wanted {
                kept = at + 1u;
                break;
            }
        }
    }
    var all = 0.0;
    for (var at = 0u; at < kept; at++) {
        all += weights[at].y;
    }
    // Summed up again in the same order, so that the last sum is above every point, however it rounds.
    let point = uniform_number * all;
    var passed = 0.0;
    for (var at = 0u; at < kept; at++) {
        passed += weights[at].y;
        if passed > point {
            return likeliest[at].y;
        }
    }
    return best.y;
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) thread: u32) {
    select_likeliest(thread, 0u, settings.top_k * settings.slices);
    if thread < settings.top_k {
        weights[thread] = weigh(thread);
    }
    workgroupBarrier();
    if thread > 0u {
        return;
    }
    let length = state[0];
    let taken = min(state[1], 63u);
    if length < arrayLength(&tokens) {
        tokens[length] = draw(settings.uniforms[taken / 4u][taken % 4u]);
    }
    state[0] = length + 1u;
    state[1] = taken + 1u;
}
