// The same, where weights stay bytes.

// What half of a block's weights are made of, 16 columns, or half of a block of activations.
struct Raw {
    quants: vec4<u32>,
    bits: u32,
    scales: u32,
    factors: u32,
}

// Four bytes at a time, none of which is negative.
fn less(quants: vec4<u32>, offset: u32) -> vec4<u32> {
    return ((quants | vec4(0x80808080u)) - vec4(offset * 0x01010101u)) ^ vec4(0x80808080u);
}
