//! How fast a node is with one model: measured where it can be, a prior until then.

use protocol::{NodeKind, Timings, Usage};

/// The weight of the newest measurement in the moving average.
const NEWEST: f64 = 0.3;

/// Fewer tokens than this say more about the clock than about the node.
const FEWEST_TOKENS: u32 = 4;

/// What a node may claim at most: a prefill faster than this is a lie or a fault, and a lie must
/// not draw every prompt to one node.
const FASTEST_TOKENS_PER_SECOND: f64 = 100_000.0;

/// Tokens per second, as moving averages over the answers so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Speed {
    prefill: Option<f64>,
    decode: Option<f64>,
}

impl Speed {
    pub(crate) fn measure(&mut self, usage: Usage, timings: Timings) {
        let prefilled = usage.prompt_tokens.saturating_sub(usage.cached_tokens);
        average(&mut self.prefill, prefilled, timings.prefill_ms);
        average(&mut self.decode, usage.completion_tokens, timings.decode_ms);
    }

    pub(crate) fn decode(&self) -> Option<f64> {
        self.decode
    }

    /// The measured speeds, with priors in place of what was not measured yet.
    pub(crate) fn or_prior(self, prior: Prior) -> Prior {
        // One side measured well says something about the other: keep the prior's proportion.
        let scale = match (self.prefill, self.decode) {
            (Some(prefill), None) => prefill / prior.prefill,
            (None, Some(decode)) => decode / prior.decode,
            _ => 1.0,
        };
        Prior {
            prefill: self.prefill.unwrap_or(prior.prefill * scale),
            decode: self.decode.unwrap_or(prior.decode * scale),
        }
    }
}

fn average(speed: &mut Option<f64>, tokens: u32, milliseconds: f64) {
    // A node's word is not trusted: zero, negative and non-finite times measure nothing.
    if tokens < FEWEST_TOKENS || !milliseconds.is_finite() || milliseconds <= 0.0 {
        return;
    }
    let measured = (f64::from(tokens) * 1000.0 / milliseconds).min(FASTEST_TOKENS_PER_SECOND);
    *speed = Some(speed.map_or(measured, |old| old + NEWEST * (measured - old)));
}

/// Expected speeds in tokens per second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prior {
    pub(crate) prefill: f64,
    pub(crate) decode: f64,
}

impl Prior {
    /// From what the hardware of each kind reaches with Qwen2.5-Coder 0.5B: decode streams all
    /// weights once per token, so it falls with the number of parameters.
    pub(crate) fn of(kind: NodeKind, has_gpu: bool, parameters: Option<u64>) -> Self {
        let at_half_a_billion = match (kind, has_gpu) {
            (NodeKind::Native, true) => Self {
                prefill: 3000.0,
                decode: 200.0,
            },
            (NodeKind::Native, false) => Self {
                prefill: 90.0,
                decode: 25.0,
            },
            (NodeKind::Browser, true) => Self {
                prefill: 60.0,
                decode: 15.0,
            },
            (NodeKind::Browser, false) => Self {
                prefill: 5.0,
                decode: 4.0,
            },
        };
        at_half_a_billion.scaled(0.5e9 / weights(parameters))
    }

    pub(crate) fn scaled(self, scale: f64) -> Self {
        Self {
            prefill: self.prefill * scale,
            decode: self.decode * scale,
        }
    }
}

/// Weights in a model, or in a usual one where nobody tells. A node that tells of none at all must
/// not be taken for infinitely fast.
pub(crate) fn weights(parameters: Option<u64>) -> f64 {
    parameters.map_or(3e9, |parameters| parameters.max(1_000_000) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(prompt_tokens: u32, completion_tokens: u32) -> Usage {
        Usage {
            prompt_tokens,
            cached_tokens: 0,
            completion_tokens,
        }
    }

    fn timings(prefill_ms: f64, decode_ms: f64) -> Timings {
        Timings {
            load_ms: 0.0,
            prefill_ms,
            decode_ms,
        }
    }

    #[test]
    fn the_first_measurement_stands_and_later_ones_move_it() {
        let mut speed = Speed::default();
        speed.measure(usage(100, 50), timings(1000.0, 1000.0));
        assert_eq!(speed.decode(), Some(50.0));
        speed.measure(usage(100, 100), timings(1000.0, 1000.0));
        assert_eq!(speed.decode(), Some(65.0));
    }

    #[test]
    fn a_nodes_nonsense_measures_nothing() {
        let mut speed = Speed::default();
        for time in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            speed.measure(usage(100, 100), timings(time, time));
        }
        speed.measure(usage(1, 1), timings(1.0, 1.0));
        assert!(speed.prefill.is_none() && speed.decode.is_none());
    }

    #[test]
    fn no_claim_exceeds_the_ceiling() {
        let mut speed = Speed::default();
        speed.measure(usage(u32::MAX, u32::MAX), timings(1e-300, 1e-300));
        assert_eq!(speed.decode(), Some(FASTEST_TOKENS_PER_SECOND));
    }

    #[test]
    fn cached_tokens_were_not_prefilled() {
        let mut speed = Speed::default();
        let usage = Usage {
            prompt_tokens: 110,
            cached_tokens: 100,
            completion_tokens: 0,
        };
        speed.measure(usage, timings(1000.0, 0.0));
        assert_eq!(speed.prefill, Some(10.0));
    }
}
