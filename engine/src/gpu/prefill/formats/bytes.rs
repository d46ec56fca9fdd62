//! Weights that stay signed bytes: half a block at a time, four columns a word, which are multiplied with bytes.

use super::{fetch_scales, scales};
use crate::gpu::matrix::Format;

/// `fetch_…`, `quants_…` and `scales_…` of a format.
pub(super) fn functions(format: Format) -> String {
    let (made, second) = scales(format);
    format!(
        "
fn fetch_{format:?}(matrix: Matrix, block: u32, part: u32) -> Raw {{
    var raw = Raw();{}{}
    return raw;
}}

fn quants_{format:?}(raw: Raw, part: u32) -> vec4<u32> {{{}
}}

fn scales_{format:?}(raw: Raw, block: u32) -> vec3<f32> {{{made}
    return vec3(scale, {second}, minimum);
}}
",
        fetch_quants(format),
        fetch_scales(format),
        quants(format),
    )
}

/// Whether a block's halves have scales of their own.
pub(in crate::gpu::prefill) fn has_halves(format: Format) -> bool {
    format == Format::Q6K
}

fn fetch_quants(format: Format) -> &'static str {
    match format.bits() {
        4 => {
            "
    raw.quants = planes[matrix.quants + block];"
        }
        5 => {
            "
    raw.quants = planes[matrix.quants + block];
    raw.bits = word(matrix.high, block);"
        }
        6 => {
            "
    raw.quants = planes[matrix.quants + block];
    raw.bits = word(matrix.high, 2u * block + part);"
        }
        _ => {
            "
    raw.quants = planes[matrix.quants + 2u * block + part];"
        }
    }
}

fn quants(format: Format) -> String {
    let low = "(raw.quants >> vec4(4u * part)) & vec4(0x0f0f0f0fu)";
    let quants = match format.bits() {
        4 => low.to_owned(),
        // A multiplication puts a copy of four bits seven bits behind the one before, so that each byte begins with another.
        5 => format!(
            "({low}) | (((((vec4(raw.bits >> (16u * part)) >> vec4(0u, 4u, 8u, 12u)) & vec4(15u)) \
            * vec4(0x00204081u)) & vec4(0x01010101u)) << vec4(4u))"
        ),
        6 => format!(
            "({low}) | (((vec4(raw.bits) >> vec4(0u, 2u, 4u, 6u)) & vec4(0x03030303u)) << vec4(4u))"
        ),
        // Signed as they are.
        _ => return "\n    return raw.quants;".to_owned(),
    };
    match format.offset() {
        0 => format!("\n    return {quants};"),
        offset => format!("\n    return less({quants}, {offset}u);"),
    }
}
