//! The WGSL of each format: what of a block is loaded, and what comes of it. Loading is apart, so that what comes next is
//! on its way while this is multiplied.

mod bytes;
mod floats;

use std::fmt::Write;

use super::text::Dots;
use crate::gpu::matrix::Format;
pub(super) use bytes::has_halves;

/// For matrices of these formats, where `kind` is the number of a matrix: `fetch(kind, block, part) -> Raw`, and
/// - for floats, `unpacked(kind, raw, block, part)`, where a part is a quarter of a block's columns;
/// - for bytes, `quants(kind, raw, part)`, where it is half of them, and `scales(kind, raw, block)`.
pub(super) fn functions(formats: &[Format], dots: Dots) -> String {
    let (shared, of_format): (&str, fn(Format) -> String) = match dots {
        Dots::Floats => (
            include_str!("../../shaders/weights_floats.wgsl"),
            floats::functions,
        ),
        Dots::Bytes => (
            include_str!("../../shaders/weights_bytes.wgsl"),
            bytes::functions,
        ),
    };
    let mut text = String::from(include_str!("../../shaders/weights.wgsl")) + shared;
    for (kind, format) in formats.iter().enumerate() {
        if !formats[..kind].contains(format) {
            text += &of_format(*format);
        }
    }
    let fetch = choice(
        formats,
        "fetch(kind: u32, block: u32, part: u32) -> Raw",
        "fetch",
        "(matrices[kind], block, part)",
    );
    let rest = match dots {
        Dots::Floats => choice(
            formats,
            "unpacked(kind: u32, raw: Raw, block: u32, part: u32) -> array<vec4<f32>, 2>",
            "unpacked",
            "(raw, block, part)",
        ),
        Dots::Bytes => {
            choice(
                formats,
                "quants(kind: u32, raw: Raw, part: u32) -> vec4<u32>",
                "quants",
                "(raw, part)",
            ) + &choice(
                formats,
                "scales(kind: u32, raw: Raw, block: u32) -> vec3<f32>",
                "scales",
                "(raw, block)",
            )
        }
    };
    text + &fetch + &rest
}

/// A function that calls the one of a matrix' format.
fn choice(formats: &[Format], signature: &str, name: &str, arguments: &str) -> String {
    let mut text = format!("\nfn {signature} {{");
    for (kind, format) in formats.iter().enumerate() {
        // Whatever follows is alike: there is no choice left.
        let last = formats[kind..].iter().all(|other| other == format);
        let condition = if last {
            String::new()
        } else {
            format!("if kind == {kind}u ")
        };
        let _ = write!(
            text,
            "\n    {condition}{{ return {name}_{format:?}{arguments}; }}"
        );
        if last {
            break;
        }
    }
    text + "\n}\n"
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

/// What comes of `raw`: `scale` and `minimum`, and the name of the scale of a block's second half.
fn scales(format: Format) -> (&'static str, &'static str) {
    match format {
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
    }
}
