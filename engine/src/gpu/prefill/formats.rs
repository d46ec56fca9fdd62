//! The WGSL of each format: what of a block is loaded, and the weights that come of it. Loading is apart, so that
//! what comes next is on its way while this is multiplied.

use std::fmt::Write;

use crate::gpu::matrix::Format;

/// `fetch(kind, block, part) -> Raw` and `unpacked(kind, raw, block, part)`, where `kind` is the number of a
/// matrix, for matrices of these formats.
pub(super) fn functions(formats: &[Format]) -> String {
    let mut text = String::from(include_str!("../shaders/weights.wgsl"));
    let mut fetches = String::new();
    let mut unpacks = String::new();
    for (kind, format) in formats.iter().enumerate() {
        if !formats[..kind].contains(format) {
            let _ = writeln!(
                text,
                "
fn fetch_{format:?}(matrix: Matrix, block: u32, part: u32) -> Raw {{
    var raw = Raw();{}{}
    return raw;
}}

fn unpacked_{format:?}(raw: Raw, block: u32, part: u32) -> array<vec4<f32>, 2> {{{}{}
}}",
                fetch_quants(*format),
                fetch_scales(*format),
                quants(*format),
                weights(*format),
            );
        }
        // Whatever follows is alike: there is no choice left.
        let last = formats[kind..].iter().all(|other| other == format);
        let condition = if last {
            String::new()
        } else {
            format!("if kind == {kind}u ")
        };
        let _ = write!(
            fetches,
            "\n    {condition}{{ return fetch_{format:?}(matrices[kind], block, part); }}"
        );
        let _ = write!(
            unpacks,
            "\n    {condition}{{ return unpacked_{format:?}(raw, block, part); }}"
        );
        if last {
            break;
        }
    }
    let _ = writeln!(
        text,
        "
fn fetch(kind: u32, block: u32, part: u32) -> Raw {{{fetches}
}}

fn unpacked(kind: u32, raw: Raw, block: u32, part: u32) -> array<vec4<f32>, 2> {{{unpacks}
}}"
    );
    text
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

fn fetch_scales(format: Format) -> &'static str {
    match format {
        Format::Q4_0 | Format::Q5_0 | Format::Q8_0 => {
            "
    raw.scales = word(matrix.scales, block / 2u);"
        }
        Format::Q4_1 | Format::Q5_1 => {
            "
    raw.scales = word(matrix.scales, block);"
        }
        Format::Q4K | Format::Q5K | Format::Q6K => {
            "
    raw.scales = word(matrix.scales, block / 2u);
    raw.factors = word(matrix.supers, block / 8u);"
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
    let (scales, second) = match format {
        Format::Q4_0 | Format::Q5_0 | Format::Q8_0 => (
            "
    let scale = half(half_of(raw.scales, block));
    let minimum = 0.0;",
            "scale",
        ),
        Format::Q4_1 | Format::Q5_1 => (
            "
    let scale = half(raw.scales & 0xffffu);
    let minimum = -half(raw.scales >> 16u);",
            "scale",
        ),
        Format::Q4K | Format::Q5K => (
            "
    let bytes = half_of(raw.scales, block);
    let scale = half(raw.factors & 0xffffu) * f32(bytes & 255u);
    let minimum = half(raw.factors >> 16u) * f32(bytes >> 8u);",
            "scale",
        ),
        Format::Q6K => (
            "
    let bytes = bitcast<i32>(half_of(raw.scales, block));
    let factor = half(raw.factors & 0xffffu);
    let scale = factor * f32(extractBits(bytes, 0u, 8u));
    let second = factor * f32(extractBits(bytes, 8u, 8u));
    let minimum = 0.0;",
            "second",
        ),
    };
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
