//! Rotary position embedding: the angles of each position; `kernels` rotates by them.

use super::config::{Config, RopePairs};
use crate::kernels::Rotation;

#[derive(Debug)]
pub(crate) struct Rope {
    /// Radians per position, for each pair of a head's dimensions.
    frequencies: Vec<f32>,
    pairs: RopePairs,
}

/// Cosines and sines of some positions, one after another: the same for all layers.
#[derive(Debug, Default)]
pub(crate) struct Angles {
    cosines: Vec<f32>,
    sines: Vec<f32>,
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

    /// Fills `angles` with those of `count` positions from `first` on.
    pub(crate) fn angles(&self, first: usize, count: usize, angles: &mut Angles) {
        angles.cosines.clear();
        angles.sines.clear();
        for position in first..first + count {
            for &frequency in &self.frequencies {
                // In f64: at position 30 000 an f32 angle has lost a tenth of a degree.
                let (sine, cosine) = (position as f64 * f64::from(frequency)).sin_cos();
                angles.cosines.push(cosine as f32);
                angles.sines.push(sine as f32);
            }
        }
    }

    /// Cosine and sine of each pair of the first `count` positions, position after position.
    pub(crate) fn table(&self, count: usize) -> Vec<f32> {
        let mut angles = Angles::default();
        self.angles(0, count, &mut angles);
        let pairs = angles.cosines.into_iter().zip(angles.sines);
        pairs.flat_map(|(cosine, sine)| [cosine, sine]).collect()
    }

    pub(crate) fn rotation<'a>(&self, angles: &'a Angles) -> Rotation<'a> {
        Rotation {
            cosines: &angles.cosines,
            sines: &angles.sines,
            neighbours: self.pairs == RopePairs::Neighbours,
        }
    }
}
