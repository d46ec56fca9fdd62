//! Vector operations written once, in plain Rust that compilers turn into whatever vectors the
//! surrounding function may use: every instruction set instantiates these with its own features.

/// Positions whose scores an attention computes before it folds them in.
const ATTENTION_BLOCK: usize = 32;

#[inline(always)]
pub(super) fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    // Eight sums side by side: vectorisable, and rounding errors grow eight times slower.
    let mut squares = [0.0f32; 8];
    for x in x.chunks_exact(8) {
        for (square, x) in squares.iter_mut().zip(x) {
            *square += x * x;
        }
    }
    let rest: f32 = x.chunks_exact(8).remainder().iter().map(|x| x * x).sum();
    let mean = (squares.iter().sum::<f32>() + rest) / x.len() as f32;
    let factor = 1.0 / (mean + epsilon).sqrt();
    for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
        *out = x * factor * weight;
    }
}

#[inline(always)]
pub(super) fn silu_multiply(gate: &mut [f32], up: &[f32]) {
    for (gate, up) in gate.iter_mut().zip(up) {
        *gate = *gate / (1.0 + exp(-*gate)) * up;
    }
}

/// e^x within 2 ulp, in operations that vectorise: 2^n · e^r with |r| ≤ ln 2 / 2, where e^r is its
/// Taylor polynomial of degree 7 (error below 2^-26 there).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // ln 2 in two parts: the first has trailing zeros, so that n · HIGH is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let n = (x * std::f32::consts::LOG2_E).round_ties_even();
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut sum = 1.0 / 5040.0;
    for coefficient in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = sum * r + coefficient;
    }
    sum * f32::from_bits(((n as i32 + 127) << 23) as u32)
}

/// What attention does with rows of f16.
pub(super) trait HalfRows {
    /// # Safety
    /// The processor has the implementation's features; the lengths are equal.
    unsafe fn dot(x: &[f32], half: &[u16]) -> f32;
    /// `sum += factor · half`.
    ///
    /// # Safety
    /// As for [`Self::dot`].
    unsafe fn add_scaled(sum: &mut [f32], factor: f32, half: &[u16]);
}

/// # Safety
/// The processor has the features that `H` needs.
#[inline(always)]
pub(super) unsafe fn attend<H: HalfRows>(
    query: &[f32],
    keys: &[u16],
    values: &[u16],
    out: &mut [f32],
) {
    let width = query.len();
    let (mut largest, mut total) = (f32::NEG_INFINITY, 0.0f32);
    out.fill(0.0);
    let blocks = keys
        .chunks(width * ATTENTION_BLOCK)
        .zip(values.chunks(width * ATTENTION_BLOCK));
    for (keys, values) in blocks {
        let mut scores = [f32::NEG_INFINITY; ATTENTION_BLOCK];
        for (score, key) in scores.iter_mut().zip(keys.chunks_exact(width)) {
            // SAFETY: the caller's promise; `key` is as long as `query`.
            *score = unsafe { H::dot(query, key) };
        }
        let block_largest = scores
            .iter()
            .fold(largest, |largest, &score| largest.max(score));
        if block_largest > largest {
            // What was summed so far was relative to a smaller maximum.
            let shrink = exp(largest - block_largest);
            total *= shrink;
            out.iter_mut().for_each(|out| *out *= shrink);
            largest = block_largest;
        }
        for score in &mut scores {
            *score = exp(*score - largest);
        }
        for (weight, value) in scores.iter().zip(values.chunks_exact(width)) {
            total += weight;
            // SAFETY: as above.
            unsafe { H::add_scaled(out, *weight, value) };
        }
    }
    let normalise = 1.0 / total;
    out.iter_mut().for_each(|out| *out *= normalise);
}
