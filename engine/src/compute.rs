//! What computes: the processor or a GPU. Everything above sees one thing with a cache of what it has read.

use std::future::Future;
use std::io::{Read, Seek};
use std::ops::Range;

use crate::gguf::Gguf;
use crate::gpu::{GpuFacts, GpuModel};
use crate::model::{CHUNK, Config, Model};
use crate::sampler::Sampler;
use crate::{EngineError, EngineOptions, LoadProgress};

#[derive(Debug)]
pub(crate) enum Compute {
    Cpu(Box<Model>),
    Gpu(Box<GpuModel>),
}

impl Compute {
    pub(crate) async fn load<R: Read + Seek>(
        gguf: &Gguf,
        reader: &mut R,
        options: &EngineOptions,
        progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<Self, EngineError> {
        Ok(match &options.gpu {
            None => Self::Cpu(Box::new(Model::load(gguf, reader, options, progress)?)),
            Some(gpu) => {
                let model = GpuModel::load(gpu, gguf, reader, options, progress).await?;
                Self::Gpu(Box::new(model))
            }
        })
    }

    pub(crate) fn config(&self) -> &Config {
        match self {
            Self::Cpu(model) => &model.config,
            Self::Gpu(model) => &model.config,
        }
    }

    pub(crate) fn context_length(&self) -> usize {
        match self {
            Self::Cpu(model) => model.cache.context_length(),
            Self::Gpu(model) => model.context_length(),
        }
    }

    pub(crate) fn kernels_name(&self) -> &'static str {
        match self {
            Self::Cpu(model) => model.kernels_name(),
            Self::Gpu(_) => "webgpu",
        }
    }

    /// Threads that compute; those that feed a GPU do not.
    pub(crate) fn threads(&self) -> usize {
        match self {
            Self::Cpu(model) => model.threads(),
            Self::Gpu(_) => 1,
        }
    }

    /// The GPU's name, where one computes.
    pub(crate) fn adapter(&self) -> Option<&str> {
        match self {
            Self::Cpu(_) => None,
            Self::Gpu(model) => Some(model.adapter()),
        }
    }

    /// The loss, once a GPU is gone.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        match self {
            Self::Cpu(_) => Ok(()),
            Self::Gpu(model) => Ok(model.check()?),
        }
    }

    pub(crate) fn gpu_facts(&self) -> Option<GpuFacts> {
        match self {
            Self::Cpu(_) => None,
            Self::Gpu(model) => Some(model.facts()),
        }
    }

    pub(crate) async fn gpu_profile(
        &self,
        position: usize,
    ) -> Result<Vec<(String, f64)>, EngineError> {
        match self {
            Self::Cpu(_) => Ok(Vec::new()),
            Self::Gpu(model) => model.profile(position).await,
        }
    }

    /// Goes on from the kept prefix that shares the longest beginning with `prompt`, of which at most `limit`
    /// tokens count, and returns how many tokens that is.
    pub(crate) fn begin(&mut self, prompt: &[u32], limit: usize) -> usize {
        match self {
            Self::Cpu(model) => model.begin(prompt, limit),
            Self::Gpu(model) => model.begin(prompt, limit),
        }
    }

    /// Tokens of the current prefix that are computed.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Cpu(model) => model.cache.length(),
            Self::Gpu(model) => model.length(),
        }
    }

    /// As [`Model::forward`].
    pub(crate) async fn forward(&mut self, tokens: &[u32]) -> Result<(), EngineError> {
        match self {
            Self::Cpu(model) => {
                model.forward(tokens);
                Ok(())
            }
            Self::Gpu(model) => model.forward(tokens, true).await,
        }
    }

    /// Computes the beginning of `tokens`, or a share of it: about what `work` tokens cost. Returns for how many of
    /// the tokens the work is done; [`Self::length`] counts a chunk once it is whole, and until then the next call
    /// is for the same tokens. Afterwards only the last one of all has logits.
    ///
    /// A processor takes a whole chunk through some layers at a time, since it unpacks weights once for all of its
    /// tokens; a GPU takes fewer tokens through all.
    pub(crate) async fn forward_share(
        &mut self,
        tokens: &[u32],
        work: usize,
    ) -> Result<usize, EngineError> {
        match self {
            Self::Cpu(model) => {
                let chunk = &tokens[..tokens.len().min(CHUNK)];
                let layers = model.config.layers;
                let most = (work * layers / chunk.len()).max(1);
                let wanted = usize::from(chunk.len() == tokens.len());
                Ok(chunk.len() * model.forward_layers(chunk, most, wanted) / layers)
            }
            Self::Gpu(model) => {
                let chunk = &tokens[..tokens.len().min(work)];
                let wanted = chunk.len() == tokens.len();
                model.forward(chunk, wanted).await?;
                Ok(chunk.len())
            }
        }
    }

    /// As [`Model::last_logits`].
    pub(crate) async fn last_logits(&mut self, logits: &mut Vec<f32>) -> Result<(), EngineError> {
        match self {
            Self::Cpu(model) => {
                model.last_logits(logits);
                Ok(())
            }
            Self::Gpu(model) => model.last_logits(logits).await,
        }
    }

    /// As [`Model::each_logits`].
    pub(crate) async fn each_logits(
        &mut self,
        tokens: Range<usize>,
        visit: impl FnMut(usize, &[f32]),
    ) -> Result<(), EngineError> {
        match self {
            Self::Cpu(model) => {
                model.each_logits(tokens, visit);
                Ok(())
            }
            Self::Gpu(model) => model.each_logits(tokens, visit).await,
        }
    }

    /// The token after `sequence`, of which all but the last token are computed, where what computes can
    /// choose it without showing its logits: as [`GpuModel::next_token`].
    pub(crate) async fn next_token(
        &mut self,
        sequence: &[u32],
        most: usize,
        batch: usize,
        sampler: &mut Sampler,
    ) -> Option<Result<u32, EngineError>> {
        match self {
            Self::Gpu(model) if model.chooses(sampler) => {
                Some(model.next_token(sequence, most, batch, sampler).await)
            }
            _ => None,
        }
    }

    /// As [`Model::exercise`].
    pub(crate) async fn exercise(&mut self) -> Result<u64, EngineError> {
        match self {
            Self::Cpu(model) => Ok(model.exercise()),
            Self::Gpu(model) => model.exercise().await,
        }
    }
}

/// Waits for what a future comes to. Whoever else waits for the same GPU may be about to tell this thread what
/// it found, so that it isn't always there at once.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn blocking<F: Future>(future: F) -> F::Output {
    pollster::block_on(future)
}

/// What a future comes to that is ready at once, as a processor's are: a browser's threads may not block.
#[cfg(target_arch = "wasm32")]
pub(crate) fn blocking<F: Future>(future: F) -> F::Output {
    use std::task::{Context, Poll, Waker};

    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("in a browser a GPU's steps are awaited"),
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use std::thread;
    use std::time::Duration;

    use futures_channel::oneshot;

    use super::*;

    #[test]
    fn another_thread_may_tell_what_is_waited_for() {
        let (tell, told) = oneshot::channel();
        let other = thread::spawn(|| {
            thread::sleep(Duration::from_millis(20));
            tell.send(7)
        });
        assert_eq!(blocking(told), Ok(7));
        other.join().unwrap().unwrap();
    }
}
