
// What the weights' eight formats share. A quant's bits become a mantissa's highest ones under the exponent
// of 1, so that no conversion is needed: q of b bits is 1 + q / 2^b then.

const BYTES = vec4(0u, 8u, 16u, 24u);
const BITS = vec4(0u, 1u, 2u, 3u);

// The 32 bits at some index of a plane, and the 16.
fn word(plane: u32, index: u32) -> u32 {
    return planes[plane + index / 4u][index % 4u];
}

fn half_word(plane: u32, index: u32) -> u32 {
    return (word(plane, index / 2u) >> (16u * (index % 2u))) & 0xffffu;
}

fn nibbles(words: vec4<u32>) -> vec4<u32> {
    return (words >> BYTES) & vec4(15u);
}

fn scaled(quants: vec4<u32>, scale: f32, minimum: f32) -> vec4<f32> {
    let lifted = bitcast<vec4<f32>>((quants << vec4(LIFT)) | vec4(0x3f800000u));
    return lifted * (scale * RANGE) - vec4(scale * (RANGE + OFFSET) + minimum);
}
