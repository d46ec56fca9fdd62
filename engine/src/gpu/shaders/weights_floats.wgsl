// The same, where weights become floats.

// What eight of a block's weights are made of: columns 4 · part and 16 + 4 · part, four each.
struct Raw {
    low: u32,
    high: u32,
    bits: vec2<u32>,
    scales: u32,
    factors: u32,
}

const BYTES = vec4(0u, 8u, 16u, 24u);
const BITS = vec4(0u, 1u, 2u, 3u);

fn nibbles(words: vec4<u32>) -> vec4<u32> {
    return (words >> BYTES) & vec4(15u);
}

// A quant's bits become a mantissa's highest ones under the exponent of 1, so that no conversion is needed: q of b bits is
// 1 + q / 2^b then. `lift` is 23 − b, `range` 2^b, and `offset` comes off a quant.
fn scaled(
    quants: vec4<u32>,
    lift: u32,
    range: f32,
    offset: f32,
    scale: f32,
    minimum: f32,
) -> vec4<f32> {
    let lifted = bitcast<vec4<f32>>((quants << vec4(lift)) | vec4(0x3f800000u));
    return lifted * (scale * range) - vec4(scale * (range + offset) + minimum);
}
