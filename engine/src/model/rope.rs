//! Rotary position embedding.

use super::config::{Config, RopePairs};

#[derive(Debug)]
pub(crate) struct Rope {
    /// Radians per position, for each pair of a head's dimensions.
    frequencies: Vec<f32>,
    pairs: RopePairs,
}

impl Rope {
    pub(crate) fn new(config: &Config, divisors: Option<&[f32]>) -> Self {
        let frequency = |pair: usize| {
            let exponent = 2.0 * pair as f32 / config.head_width as f32;
            let divisor = divisors.map_or(1.0, |divisors| divisors[pair]);
            config.rope_base.powf(-exponent) / config.rope_scale / divisor
        };
        let frequencies = (0..config.head_width / 2).map(frequency).collect();
        Self {
            frequencies,
            pairs: config.rope_pairs,
        }
    }

    /// Sine and cosine of every pair at one position.
    pub(crate) fn angles(&self, position: usize) -> Vec<(f32, f32)> {
        // In f64: at position 30 000 an f32 angle has lost a tenth of a degree.
        let angle = |frequency: &f32| (position as f64 * f64::from(*frequency)).sin_cos();
        self.frequencies
            .iter()
            .map(angle)
            .map(|(sine, cosine)| (sine as f32, cosine as f32))
            .collect()
    }

    /// Rotates each head of a row.
    pub(crate) fn rotate(&self, angles: &[(f32, f32)], row: &mut [f32]) {
        let half = angles.len();
        for head in row.chunks_exact_mut(2 * half) {
            for (pair, &(sine, cosine)) in angles.iter().enumerate() {
                let (a, b) = match self.pairs {
                    RopePairs::Halves => (pair, pair + half),
                    RopePairs::Neighbours => (2 * pair, 2 * pair + 1),
                };
                let (x, y) = (head[a], head[b]);
                head[a] = x * cosine - y * sine;
                head[b] = x * sine + y * cosine;
            }
        }
    }
}
