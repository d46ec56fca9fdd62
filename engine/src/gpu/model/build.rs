//! A model is made: its weights brought over, its shaders compiled and tried, its buffers made.

use std::io::{Read, Seek};

use super::super::buffers::{BATCHES, Buffers, MOST_AHEAD};
use super::super::device::{Gpu, GpuError};
use super::super::load::{Loader, Weights};
use super::super::matrix::BLOCK;
use super::super::passes::Passes;
use super::super::prefill::MOST_HEAD_WIDTH;
use super::super::sampling::GpuSampler;
use super::super::tuning::{Choices, Kind, Shapes, tuned_dots};
use super::GpuModel;
use super::ahead::Ahead;
use crate::gguf::{Gguf, invalid};
use crate::model::{Config, PAGE, Prefixes, Rope};
use crate::{EngineError, EngineOptions, LoadProgress};

impl GpuModel {
    pub(crate) async fn load<R: Read + Seek>(
        gpu: &Gpu,
        gguf: &Gguf,
        reader: &mut R,
        options: &EngineOptions,
        progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<Self, EngineError> {
        let config = Config::read(gguf)?;
        let context_length = options
            .context_length
            .unwrap_or(usize::MAX)
            .clamp(1, config.trained_context);
        check_dimensions(&config)?;
        let cache_tokens = options.cache_tokens.unwrap_or(0).max(context_length);
        Buffers::check(gpu, &config, cache_tokens)?;
        let cache = Buffers::cache_bytes(gpu, &config, cache_tokens);
        gpu.afford(gguf.tensor_bytes()?.saturating_add(cache))?;
        let mut loaded = Err(invalid("it was not read"));
        gpu.attempt(|| {
            loaded =
                Loader::new(gpu, gguf, reader, progress).and_then(|loader| loader.load(&config));
        })
        .await?;
        let weights = loaded?;
        let model = Self::new(gpu, config, &weights, context_length, cache_tokens).await?;
        model.warm_up().await?;
        Ok(model)
    }

    async fn new(
        gpu: &Gpu,
        config: Config,
        weights: &Weights,
        context_length: usize,
        cache_tokens: usize,
    ) -> Result<Self, GpuError> {
        let pages = cache_tokens.div_ceil(PAGE);
        let rope = Rope::new(&config, weights.rope_divisors.as_deref());
        let made = gpu.attempt(|| {
            let table = rope.table(context_length + MOST_AHEAD * BATCHES);
            let buffers = Buffers::new(gpu, &config, context_length, pages);
            (gpu.floats("rotation", &table), buffers)
        });
        let (rotation, buffers) = made.await?;
        let mut passes = gpu
            .attempt(|| Passes::new(gpu, &config, &buffers, weights, rotation))
            .await?;
        let key = tuning_key(gpu, &config);
        let known = gpu
            .tuning()
            .get(&key)
            .and_then(|text| Choices::read(text, gpu.abilities));
        let choices = match known {
            Some(choices) => choices,
            None => {
                let usual = Shapes::usual(config.width, config.feed_forward);
                let found = usual.tuned(gpu, |kind, shape| passes.products(kind, shape));
                let shapes = found.await?;
                let make = |dots| passes.prefill(config.feed_forward, dots);
                let dots = tuned_dots(gpu, make).await?;
                Choices { shapes, dots }
            }
        };
        gpu.recall([(key, choices.to_string())].into());
        let shapes = &choices.shapes;
        gpu.attempt(|| {
            let (token, logits) = (
                passes.token(shapes),
                passes.products(Kind::Logits, shapes.of(Kind::Logits)),
            );
            let sampler = GpuSampler::new(
                gpu,
                config.vocabulary,
                &buffers.logits,
                &buffers.state,
                &buffers.tokens,
            );
            Self {
                gpu: gpu.clone(),
                context_length,
                prefixes: Prefixes::new(pages),
                token,
                prefill: passes.prefill(config.feed_forward, choices.dots),
                logits,
                sampler,
                ahead: Ahead::default(),
                spread: passes.spread_row(),
                rows: 0,
                one_by_one: false,
                bytes_per_token: weights.bytes_per_token(),
                choices,
                buffers: buffers.clone(),
                config: config.clone(),
            }
        })
        .await
    }

    /// Runs every shader once: drivers compile when a shader is first used.
    async fn warm_up(&self) -> Result<(), EngineError> {
        self.write_state(1, 1, 1);
        self.prefill.submit(0, 1, true);
        let mut encoder = self.gpu.encoder();
        self.encode_token(&mut encoder, 1);
        self.gpu.queue.submit([encoder.finish()]);
        let mut logits = Vec::new();
        self.read_logits(&mut logits).await?;
        if logits.iter().all(|logit| logit.is_finite()) {
            Ok(())
        } else {
            Err(GpuError::Driver("it computes numbers that are none".into()).into())
        }
    }
}

fn tuning_key(gpu: &Gpu, config: &Config) -> String {
    let sizes = [config.width, config.feed_forward, config.vocabulary];
    let [width, inner, vocabulary] = sizes;
    format!("{}: {width} {inner} {vocabulary}", gpu.adapter())
}

/// What the shaders' workgroup memory has room for.
fn check_dimensions(config: &Config) -> Result<(), GpuError> {
    if !config.head_width.is_multiple_of(BLOCK) {
        return Err(GpuError::Unavailable(format!(
            "its shaders want heads of a multiple of {BLOCK} dimensions, and the model's have {}",
            config.head_width
        )));
    }
    let checks = [("dimensions of a head", config.head_width, MOST_HEAD_WIDTH)];
    for (what, needed, allowed) in checks {
        if needed > allowed {
            return Err(GpuError::TooSmall {
                what,
                needed: needed as u64,
                allowed: allowed as u64,
            });
        }
    }
    Ok(())
}
