//! A model's dimensions, from GGUF's metadata.

use crate::EngineError;
use crate::gguf::{Gguf, invalid};
use crate::kernels::MOST_WIDTH;

/// Beyond any model's layers, heads, widths and context, and small enough to be multiplied.
const MOST: usize = 1 << 24;

/// How the rotary embedding pairs a head's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RopePairs {
    /// Dimension i with i + half (`qwen2`).
    Halves,
    /// Dimension 2i with 2i + 1 (`llama`, whose weights GGUF permutes for it).
    Neighbours,
}

#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) architecture: String,
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) feed_forward: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_width: usize,
    pub(crate) vocabulary: usize,
    pub(crate) trained_context: usize,
    pub(crate) rms_epsilon: f32,
    pub(crate) rope_base: f32,
    /// Positions are divided by this (`rope.scaling.factor` of kind `linear`).
    pub(crate) rope_scale: f32,
    pub(crate) rope_pairs: RopePairs,
}

impl Config {
    pub(crate) fn read(gguf: &Gguf) -> Result<Self, EngineError> {
        let architecture = gguf.string("general.architecture")?.to_owned();
        let rope_pairs = match architecture.as_str() {
            "qwen2" => RopePairs::Halves,
            "llama" => RopePairs::Neighbours,
            _ => return Err(EngineError::UnsupportedArchitecture(architecture)),
        };
        let key = |name: &str| format!("{architecture}.{name}");
        let width = gguf.integer(&key("embedding_length"))?;
        let heads = gguf.integer(&key("attention.head_count"))?;
        let kv_heads = gguf
            .integer(&key("attention.head_count_kv"))
            .unwrap_or(heads);
        let head_width = match gguf.integer(&key("attention.key_length")) {
            Ok(head_width) => head_width,
            // No heads are refused below.
            Err(_) => width.checked_div(heads).unwrap_or(0),
        };
        let config = Self {
            layers: gguf.integer(&key("block_count"))?,
            width,
            feed_forward: gguf.integer(&key("feed_forward_length"))?,
            heads,
            kv_heads,
            head_width,
            vocabulary: gguf.tensor("token_embd.weight")?.rows,
            trained_context: gguf.integer(&key("context_length"))?,
            rms_epsilon: gguf.float(&key("attention.layer_norm_rms_epsilon"))?,
            rope_base: gguf.float(&key("rope.freq_base")).unwrap_or(10_000.0),
            rope_scale: rope_scale(gguf, &key("rope.scaling"))?,
            rope_pairs,
            architecture,
        };
        config.check(gguf)?;
        Ok(config)
    }

    fn check(&self, gguf: &Gguf) -> Result<(), EngineError> {
        let rope_width = gguf.integer(&format!("{}.rope.dimension_count", self.architecture));
        let counts = [
            self.layers,
            self.heads,
            self.kv_heads,
            self.width,
            self.feed_forward,
        ];
        let attention_width = self.heads.checked_mul(self.head_width);
        let sound = counts.iter().all(|count| (1..=MOST).contains(count))
            && self.heads.is_multiple_of(self.kv_heads)
            && self.head_width > 0
            && self.head_width.is_multiple_of(8)
            && self.head_width <= MOST_WIDTH
            && rope_width.is_ok_and(|rope| rope == self.head_width)
                | !gguf.has(&format!("{}.rope.dimension_count", self.architecture))
            && self.width.is_multiple_of(32)
            && self.feed_forward.is_multiple_of(32)
            && attention_width.is_some_and(|width| width.is_multiple_of(32) && width <= MOST)
            && (1..=MOST).contains(&self.trained_context);
        if sound {
            Ok(())
        } else {
            Err(invalid(format!("its dimensions do not fit: {self:?}")))
        }
    }
}

fn rope_scale(gguf: &Gguf, prefix: &str) -> Result<f32, EngineError> {
    match gguf.string(&format!("{prefix}.type")) {
        Err(_) | Ok("none") => Ok(1.0),
        Ok("linear") => gguf.float(&format!("{prefix}.factor")),
        Ok(other) => Err(invalid(format!(
            "its rope scaling `{other}` is not supported"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gguf::tests::{File, STRING, U32, refusal, text};

    /// The dimensions of a small model, but for these.
    fn model(changes: &[(&str, u32)]) -> Result<Config, EngineError> {
        let dimensions = [
            ("block_count", 2),
            ("embedding_length", 64),
            ("feed_forward_length", 128),
            ("attention.head_count", 8),
            ("attention.head_count_kv", 2),
            ("context_length", 2048),
        ];
        let mut file = File::default()
            .entry("general.architecture", STRING, &text("qwen2"))
            .entry(
                "qwen2.attention.layer_norm_rms_epsilon",
                6,
                &1e-6_f32.to_le_bytes(),
            )
            .tensor("token_embd.weight", &[64, 100], 8, 0);
        // Of two entries with one key the last counts.
        for (key, value) in dimensions.iter().chain(changes) {
            file = file.entry(&format!("qwen2.{key}"), U32, &value.to_le_bytes());
        }
        Config::read(&file.read()?)
    }

    #[test]
    fn dimensions_that_go_together_are_taken() {
        let config = model(&[]).unwrap();
        assert_eq!((config.head_width, config.vocabulary), (8, 100));
    }

    #[test]
    fn dimensions_that_no_model_has_are_refused() {
        for changes in [
            [("block_count", 0)].as_slice(),
            &[("block_count", u32::MAX)],
            &[("embedding_length", 0)],
            &[("embedding_length", u32::MAX - 31)],
            &[("feed_forward_length", 0)],
            &[("attention.head_count", 0)],
            &[("attention.head_count_kv", 0)],
            &[("attention.head_count_kv", 3)],
            &[("attention.key_length", 0)],
            &[
                ("attention.head_count", 1 << 24),
                ("attention.key_length", 64),
            ],
            &[("context_length", 0)],
            &[("context_length", u32::MAX)],
        ] {
            let message = refusal(model(changes));
            assert!(message.contains("do not fit"), "{changes:?}: {message}");
        }
    }
}
