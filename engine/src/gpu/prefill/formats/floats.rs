//! Weights that become floats before they are multiplied: eight columns at a time, 4 · part and 16 + 4 · part, four each.

use super::{fetch_scales, scales};
use crate::gpu::matrix::Format;

/// `fetch_…` and `unpacked_…` of a format.
pub(super) fn functions(format: Format) -> String {
    format!(
        "
fn fetch_{format:?}(matrix: Matrix, block: u32, part: u32) -> Raw {{
    var raw = Raw();{}{}
    return raw;
}}

fn unpacked_{format:?}(raw: Raw, block: u32, part: u32) -> array<vec4<f32>, 2> {{{}{}
}}
",
        fetch_quants(format),
        fetch_scales(format),
        quants(format),
        weights(format),
    )
}

fn fetch_quants(format: Format) -> &'static str {
    match format.bits() {
        4 => {
            "
    raw.low = planes[matrix.quants + block][part];"
        }
        5 => {
            "
    raw.low = planes[matrix.quants + block][part];
    raw.bits.x = word(matrix.high, block);"
        }
        6 => {
            "
    raw.low = planes[matrix.quants + block][part];
    raw.bits = vec2(word(matrix.high, 2u * block), word(matrix.high, 2u * block + 1u));"
        }
        _ => {
            "
    raw.low = planes[matrix.quants + 2u * block][part];
    raw.high = planes[matrix.quants + 2u * block + 1u][part];"
        }
    }
}

/// The quants as they are stored.
fn quants(format: Format) -> &'static str {
    match format.bits() {
        4 => {
            "
    let low = nibbles(vec4(raw.low));
    let high = nibbles(vec4(raw.low >> 4u));"
        }
        5 => {
            "
    let low_bits = vec4(raw.bits.x >> (4u * part)) >> BITS;
    let high_bits = vec4(raw.bits.x >> (4u * part + 16u)) >> BITS;
    let low = nibbles(vec4(raw.low)) | ((low_bits & vec4(1u)) << vec4(4u));
    let high = nibbles(vec4(raw.low >> 4u)) | ((high_bits & vec4(1u)) << vec4(4u));"
        }
        6 => {
            "
    let low_bits = vec4(raw.bits.x >> (2u * part)) >> BYTES;
    let high_bits = vec4(raw.bits.y >> (2u * part)) >> BYTES;
    let low = nibbles(vec4(raw.low)) | ((low_bits & vec4(3u)) << vec4(4u));
    let high = nibbles(vec4(raw.low >> 4u)) | ((high_bits & vec4(3u)) << vec4(4u));"
        }
        // Signed ones, from their least on.
        _ => {
            "
    let low = (vec4(raw.low ^ 0x80808080u) >> BYTES) & vec4(255u);
    let high = (vec4(raw.high ^ 0x80808080u) >> BYTES) & vec4(255u);"
        }
    }
}

fn weights(format: Format) -> String {
    let (scales, second) = scales(format);
    let bits = format.bits();
    let numbers = format!("{}u, {}.0, {}.0", 23 - bits, 1u32 << bits, format.offset());
    format!(
        "{scales}
    return array(
        scaled(low, {numbers}, scale, minimum),
        scaled(high, {numbers}, {second}, minimum),
    );"
    )
}
