//! The text of WGSL functions that read a quantised matrix, one set for each matrix of a shader.
//!
//! A quant is made a float without the slow conversion: its bits go where a mantissa's highest bits are, under the
//! exponent of 1, so `q` of `b` bits becomes `1 + q / 2^b`; what is added that way comes off again with the
//! sum of the activations.

use std::fmt::Write;

use super::matrix::{Format, Planes};

/// Of a `_dot` function.
pub(super) const DOT_PARAMETERS: &str = "row: u32, block: u32, x0: vec4<f32>, x1: vec4<f32>, x2: vec4<f32>, \
    x3: vec4<f32>, x4: vec4<f32>, x5: vec4<f32>, x6: vec4<f32>, x7: vec4<f32>, sums: vec2<f32>";

/// What it is called with behind row and block.
pub(super) const DOT_ARGUMENTS: &str = "x0, x1, x2, x3, x4, x5, x6, x7, sums";

/// What every shader with weights begins with: an f16's value, subnormal ones included, which a GPU may
/// flush.
pub(super) const PRELUDE: &str = "
fn half(bits: u32) -> f32 {
    let magnitude = bits & 0x7fffu;
    let normal = bitcast<f32>((magnitude << 13u) + 0x38000000u);
    let value = select(normal, f32(magnitude) * 5.9604644775390625e-8, magnitude < 0x400u);
    return bitcast<f32>(bitcast<u32>(value) | ((bits & 0x8000u) << 16u));
}
";

/// A matrix in a shader: the functions' prefix, the array (`array<vec4<u32>>`) it lies in, and where.
pub(super) struct Weights<'a> {
    pub(super) name: &'a str,
    pub(super) array: &'a str,
    pub(super) planes: Planes,
}

/// `expression`'s bits from `from` on, `bits` of them, moved to begin at bit `to`.
fn field(expression: &str, from: u32, bits: u32, to: u32) -> String {
    let mask = ((1u64 << bits) - 1) << to;
    match from.cmp(&to) {
        std::cmp::Ordering::Less => format!("(({expression} << {}u) & {mask:#x}u)", to - from),
        std::cmp::Ordering::Equal => format!("({expression} & {mask:#x}u)"),
        std::cmp::Ordering::Greater => format!("(({expression} >> {}u) & {mask:#x}u)", from - to),
    }
}

impl Weights<'_> {
    fn blocks(&self) -> usize {
        self.planes.columns / 32
    }

    /// `{name}_step(row, block, step)`: columns `4·step..4·step + 4` of a block as `1 + quant / 2^bits`, as an
    /// expression of the words that [`Self::loads`] declares.
    fn step(&self, step: u32) -> String {
        let bits = self.planes.format.bits();
        let lowest = 23 - bits;
        let part = |byte: u32| {
            let quant = match bits {
                8 => field(&format!("q{step}"), 8 * byte, 8, lowest),
                _ => field(
                    &format!("q{}", step % 4),
                    8 * byte + 4 * (step / 4),
                    4,
                    lowest,
                ),
            };
            let high = match bits {
                5 => format!(" | {}", field("h0", 4 * step + byte, 1, 22)),
                6 => {
                    let word = format!("h{}", step / 4);
                    format!(" | {}", field(&word, 8 * byte + 2 * (step % 4), 2, 21))
                }
                _ => String::new(),
            };
            format!("{quant}{high}")
        };
        format!(
            "bitcast<vec4<f32>>(vec4<u32>({}, {}, {}, {}) | vec4<u32>(0x3f800000u))",
            part(0),
            part(1),
            part(2),
            part(3)
        )
    }

    /// Declares a block's words: `q0`…, and `h0`, `h1` of the high bits. `at` is the block's number.
    fn loads(&self) -> String {
        let Self { array, planes, .. } = self;
        let mut text = String::new();
        let quants = planes.quants / 16;
        let vectors = if planes.format == Format::Q8_0 { 2 } else { 1 };
        for vector in 0..vectors {
            let _ = writeln!(
                text,
                "    let v{vector} = {array}[{quants}u + at * {vectors}u + {vector}u];"
            );
            for (word, part) in ["x", "y", "z", "w"].into_iter().enumerate() {
                let flip = if vectors == 2 { " ^ 0x80808080u" } else { "" };
                let _ = writeln!(
                    text,
                    "    let q{} = v{vector}.{part}{flip};",
                    4 * vector + word
                );
            }
        }
        match planes.format.bits() {
            5 => {
                let _ = writeln!(text, "    let h0 = {};", self.word(planes.high, "at"));
            }
            6 => {
                let first = self.word(planes.high, "2u * at");
                let second = self.word(planes.high, "(2u * at + 1u)");
                let _ = writeln!(text, "    let h0 = {first};\n    let h1 = {second};");
            }
            _ => {}
        }
        text
    }

    /// The 32 bits at some index of a plane.
    fn word(&self, plane: usize, index: &str) -> String {
        let first = plane / 16;
        format!(
            "{}[{first}u + (({index}) >> 2u)][({index}) & 3u]",
            self.array
        )
    }

    /// Declares `scale`, `minimum` (which is taken off), and with Q6_K `scale` and `second` for the halves.
    fn scales(&self) -> String {
        let planes = &self.planes;
        let pair = |plane| format!("({} >> ((at & 1u) * 16u))", self.word(plane, "at >> 1u"));
        match planes.format {
            Format::Q4_0 | Format::Q5_0 | Format::Q8_0 => {
                format!(
                    "    let scale = half({} & 0xffffu);\n    let minimum = 0.0;\n",
                    pair(planes.scales)
                )
            }
            Format::Q4_1 | Format::Q5_1 => format!(
                "    let both = {};\n    let scale = half(both & 0xffffu);\n    let minimum = -half(both >> 16u);\n",
                self.word(planes.scales, "at")
            ),
            Format::Q4K | Format::Q5K => format!(
                "    let bytes = {};\n    let factors = {};\n    \
                 let scale = half(factors & 0xffffu) * f32(bytes & 0xffu);\n    \
                 let minimum = half(factors >> 16u) * f32((bytes >> 8u) & 0xffu);\n",
                pair(planes.scales),
                self.word(planes.supers, "at >> 3u")
            ),
            Format::Q6K => format!(
                "    let bytes = bitcast<i32>({});\n    let factor = half({} & 0xffffu);\n    \
                 let scale = factor * f32(extractBits(bytes, 0u, 8u));\n    \
                 let second = factor * f32(extractBits(bytes, 8u, 8u));\n    let minimum = 0.0;\n",
                pair(planes.scales),
                self.word(planes.supers, "at >> 3u")
            ),
        }
    }

    /// `fn {name}_dot(row, block, x0, …, x7, sums) -> f32`: 32 weights times 32 activations; `sums` are those
    /// of the activations' halves. No array is passed: one that a driver can't keep in registers is slow.
    pub(super) fn dot(&self) -> String {
        let format = self.planes.format;
        let range = (1u32 << format.bits()) as f32;
        let lift = range + format.offset() as f32;
        let mut text = format!(
            "\nfn {}_dot({DOT_PARAMETERS}) -> f32 {{\n    \
             let at = row * {}u + block;\n",
            self.name,
            self.blocks()
        );
        text += &self.loads();
        text += &self.scales();
        for half in 0..2 {
            let terms: Vec<String> = (4 * half..4 * half + 4)
                .map(|step| format!("dot({}, x{step})", self.step(step)))
                .collect();
            let _ = writeln!(text, "    let s{half} = {};", terms.join("\n        + "));
        }
        if format == Format::Q6K {
            let _ = writeln!(
                text,
                "    return scale * ({range:?} * s0 - {lift:?} * sums.x) + second * ({range:?} * s1 - {lift:?} * sums.y);"
            );
        } else {
            let _ = writeln!(
                text,
                "    return scale * {range:?} * (s0 + s1) - (scale * {lift:?} + minimum) * (sums.x + sums.y);"
            );
        }
        text += "}\n";
        text
    }

    /// `fn {name}_block(row, block, out)`: the 32 weights of a block.
    pub(super) fn block(&self) -> String {
        let format = self.planes.format;
        let range = (1u32 << format.bits()) as f32;
        let lift = range + format.offset() as f32;
        let mut text = format!(
            "\nfn {}_block(row: u32, block: u32, out: ptr<function, array<vec4<f32>, 8>>) {{\n    \
             let at = row * {}u + block;\n",
            self.name,
            self.blocks()
        );
        text += &self.loads();
        text += &self.scales();
        for step in 0..8 {
            let scale = if format == Format::Q6K && step >= 4 {
                "second"
            } else {
                "scale"
            };
            let _ = writeln!(
                text,
                "    (*out)[{step}] = {scale} * ({} * {range:?} - {lift:?}) - minimum;",
                self.step(step)
            );
        }
        text += "}\n";
        text
    }
}
