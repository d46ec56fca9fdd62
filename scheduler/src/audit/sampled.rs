//! How an answer's tokens were chosen: what their margins can tell depends on it.

use protocol::Sampling;

/// A margin is measured from the least likely token that the sampling allows. A greedy prompt allows
/// one, the default's nucleus a few: what a wrong model says lies below. Sampling from (nearly) all
/// tokens allows everything, so nothing can be told from single tokens, and such answers are audited only
/// where the judge knows what drew them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sampled {
    Greedy,
    /// From the likeliest tokens that together reach `top_p`.
    Nucleus,
    /// With a seed, by the very program that judges: it finds the draws again. Margins are shares of the probability
    /// then, and not logits.
    Seeded,
}

/// The widest nucleus that is still narrow.
const WIDEST_TOP_P: f32 = 0.9;

/// Some runtimes take the nucleus after the temperature: up to this it is then a part of ours, which is
/// taken before.
const HOTTEST: f32 = 1.0;

impl Sampled {
    pub const ALL: [Self; 3] = [Self::Greedy, Self::Nucleus, Self::Seeded];

    /// `None` where margins tell nothing. `is_alike`: whether a judge draws tokens as the node does, and knows
    /// them.
    pub fn of(sampling: &Sampling, is_alike: bool) -> Option<Self> {
        if sampling.temperature <= 0.0 || sampling.top_k == 1 {
            Some(Self::Greedy)
        } else if is_alike && sampling.seed.is_some() {
            Some(Self::Seeded)
        } else if sampling.temperature <= HOTTEST && sampling.top_p <= WIDEST_TOP_P {
            Some(Self::Nucleus)
        } else {
            None
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Greedy => "greedy",
            Self::Nucleus => "nucleus",
            Self::Seeded => "seeded",
        }
    }
}
