//! Loads the engine: on the GPU where that is wished and turns out well, else on the processor. The
//! same again for a model that went with its GPU.

use std::cell::RefCell;
use std::io::BufReader;
use std::rc::Rc;

use engine::{Engine, EngineError, EngineOptions, Gpu, GpuError, LoadProgress, Tuning};
use js_sys::{Function, RangeError};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use crate::clock;
use crate::model_file::{ModelFile, Reader};

/// Bytes read at a time where little is wanted, as in the file's header.
const READ_AHEAD: usize = 1 << 20;

/// Memory beside the weights: vocabulary, intermediate values, the file's pieces.
const WORKING_BYTES: u64 = 96 << 20;

/// A GPU is given this many chances with one model: a driver that fails once may be updated or have
/// slept, one that fails twice will do so again.
const CHANCES: u32 = 2;

/// `ComputeWish` of `wasm.ts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wish {
    Auto,
    Gpu,
    Cpu,
}

/// `Computation` of `wasm.ts`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Computation {
    pub(crate) gpu: Option<String>,
    kernels: &'static str,
    threads: usize,
    gpu_losses: u32,
    no_gpu: Option<NoGpu>,
    tuning: Tuning,
}

/// `NoGpu` of `wasm.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct NoGpu {
    reason: Reason,
    adapter: Option<String>,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    Unavailable,
    Slower,
    DoesNotFit,
    Failed,
    Lost,
}

/// What it takes to load a model, as often as it must be.
#[derive(Debug)]
pub(crate) struct Loader {
    options: EngineOptions,
    wish: Wish,
    /// What the GPU is called, where the page knows.
    adapter: Option<String>,
    losses: u32,
    /// The one that was lost last.
    lost: Option<String>,
    computation: Rc<RefCell<Computation>>,
}

impl Loader {
    /// `options` without a GPU.
    pub(crate) fn new(options: EngineOptions, wish: Wish, adapter: Option<String>) -> Self {
        Self {
            options,
            wish,
            adapter,
            losses: 0,
            lost: None,
            computation: Rc::default(),
        }
    }

    /// What was found out of the GPU before.
    pub(crate) fn recall(&self, tuning: Tuning) {
        self.computation.borrow_mut().tuning = tuning;
    }

    /// What computes, now and after every load.
    pub(crate) fn computation(&self) -> Rc<RefCell<Computation>> {
        Rc::clone(&self.computation)
    }

    pub(crate) fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// The engine that was loaded last has lost its GPU.
    pub(crate) fn lose(&mut self) {
        self.losses += 1;
        self.lost = self.computation.borrow().gpu.clone();
    }

    /// Reads the whole file and makes it ready to compute.
    pub(crate) async fn load(
        &self,
        file: &ModelFile,
        on_progress: &Function,
    ) -> Result<Engine, JsValue> {
        let no_gpu = match self.find_gpu().await {
            Ok(None) => None,
            Err(no_gpu) => Some(no_gpu),
            Ok(Some(gpu)) => {
                let adapter = self.name(&gpu);
                gpu.recall(self.computation.borrow().tuning.clone());
                match self.build(file, Some(gpu.clone()), on_progress).await? {
                    Ok(engine) => {
                        self.recall(gpu.tuning());
                        return Ok(self.note(engine, Some(adapter), None));
                    }
                    Err(EngineError::Gpu(error)) => Some(self.refusal(adapter, &error)),
                    Err(error) => return Err(describe(&error)),
                }
            }
        };
        match self.build(file, None, on_progress).await? {
            Ok(engine) => Ok(self.note(engine, None, no_gpu)),
            Err(error) => Err(describe(&error)),
        }
    }

    /// `None` where none is wished.
    async fn find_gpu(&self) -> Result<Option<Gpu>, NoGpu> {
        if self.wish == Wish::Cpu {
            return Ok(None);
        }
        if let Some(adapter) = self.lost.as_ref().filter(|_| self.losses >= CHANCES) {
            return Err(NoGpu::new(Reason::Lost, adapter.clone()));
        }
        let gpu = Gpu::request().await.map_err(|error| match &self.lost {
            Some(adapter) => self.refusal(adapter.clone(), &error),
            None => NoGpu {
                reason: Reason::Unavailable,
                adapter: None,
                message: error.to_string(),
            },
        })?;
        let adapter = self.name(&gpu);
        // One that was lost was the faster one, or was wished.
        if self.wish == Wish::Gpu || self.losses > 0 {
            return Ok(Some(gpu));
        }
        let slower = gpu.is_software() || {
            let on_gpu = gpu.multiply_adds_per_second(clock::now).await;
            let EngineOptions { threads, spawn, .. } = self.options;
            on_gpu.map_err(|error| self.refusal(adapter.clone(), &error))?
                <= engine::cpu_multiply_adds_per_second(threads, spawn, clock::now)
        };
        if slower {
            return Err(NoGpu::new(Reason::Slower, adapter));
        }
        Ok(Some(gpu))
    }

    async fn build(
        &self,
        file: &ModelFile,
        gpu: Option<Gpu>,
        on_progress: &Function,
    ) -> Result<Result<Engine, EngineError>, JsValue> {
        let reader = Reader::new(file.clone())?;
        // The weights go to the GPU a piece at a time.
        let weights = if gpu.is_some() { 0 } else { reader.bytes() };
        reserve(weights + WORKING_BYTES)?;
        let options = EngineOptions {
            gpu,
            ..self.options.clone()
        };
        let mut progress = |progress: LoadProgress| {
            let done = JsValue::from_f64(progress.done_bytes as f64);
            let total = JsValue::from_f64(progress.total_bytes as f64);
            // A page that can't show the progress gets its model all the same.
            let _ = on_progress.call2(&JsValue::NULL, &done, &total);
        };
        let mut reader = BufReader::with_capacity(READ_AHEAD, reader);
        Ok(Engine::load_async(&mut reader, &options, &mut progress).await)
    }

    fn name(&self, gpu: &Gpu) -> String {
        let known = self.adapter.clone();
        known.unwrap_or_else(|| gpu.adapter().to_owned())
    }

    fn refusal(&self, adapter: String, error: &GpuError) -> NoGpu {
        let reason = match error {
            _ if self.losses > 0 => Reason::Lost,
            GpuError::TooSmall { .. } | GpuError::OutOfMemory(_) => Reason::DoesNotFit,
            _ => Reason::Failed,
        };
        NoGpu {
            message: error.to_string(),
            ..NoGpu::new(reason, adapter)
        }
    }

    fn note(&self, engine: Engine, gpu: Option<String>, no_gpu: Option<NoGpu>) -> Engine {
        let info = engine.info();
        let tuning = std::mem::take(&mut self.computation.borrow_mut().tuning);
        self.computation.replace(Computation {
            tuning,
            gpu,
            kernels: info.kernels,
            threads: info.threads,
            gpu_losses: self.losses,
            no_gpu,
        });
        engine
    }
}

impl NoGpu {
    fn new(reason: Reason, adapter: String) -> Self {
        Self {
            reason,
            adapter: Some(adapter),
            message: String::new(),
        }
    }
}

fn describe(error: &EngineError) -> JsValue {
    js_sys::Error::new(&error.to_string()).into()
}

/// Finds out before the work, not after it, whether the memory suffices: what is reserved here stays
/// with the module and is what the weights will lie in.
fn reserve(bytes: u64) -> Result<(), JsValue> {
    let mut memory = Vec::<u8>::new();
    let reserved = usize::try_from(bytes).map(|bytes| memory.try_reserve_exact(bytes));
    match reserved {
        Ok(Ok(())) => Ok(()),
        _ => Err(RangeError::new("out of memory").into()),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn loader(wish: Wish) -> Loader {
        let options = EngineOptions {
            threads: 1,
            spawn: engine::spawn_thread,
            context_length: None,
            cache_tokens: None,
            gpu: None,
        };
        Loader::new(options, wish, None)
    }

    fn on_gpu(wish: Wish) -> Loader {
        let loader = loader(wish);
        loader.computation.borrow_mut().gpu = Some("adapter".into());
        loader
    }

    #[test]
    fn a_refusal_says_whether_a_smaller_model_would_help() {
        let reason = |error| loader(Wish::Auto).refusal("adapter".into(), &error).reason;
        let too_small = GpuError::TooSmall {
            what: "bytes in a binding",
            needed: 2,
            allowed: 1,
        };
        assert_eq!(reason(too_small), Reason::DoesNotFit);
        let full = GpuError::OutOfMemory("all is taken".into());
        assert_eq!(reason(full), Reason::DoesNotFit);
        let broken = GpuError::Driver("no such instruction".into());
        assert_eq!(reason(broken), Reason::Failed);
    }

    #[test]
    fn whatever_fails_after_a_loss_is_that_loss() {
        let mut loader = on_gpu(Wish::Auto);
        loader.lose();
        let error = GpuError::Driver("it is being updated".into());
        let refusal = loader.refusal("adapter".into(), &error);
        assert_eq!(refusal.reason, Reason::Lost);
        assert!(refusal.message.contains("it is being updated"));
    }

    #[test]
    fn a_gpu_that_was_lost_twice_is_not_asked_again() {
        let mut loader = on_gpu(Wish::Gpu);
        loader.lose();
        loader.lose();
        let found = loader.find_gpu().now_or_never().unwrap();
        assert_eq!(
            found.err(),
            Some(NoGpu::new(Reason::Lost, "adapter".into()))
        );
    }

    #[test]
    fn no_gpu_is_asked_where_none_is_wished() {
        let loader = loader(Wish::Cpu);
        let found = loader.find_gpu().now_or_never().unwrap();
        assert!(matches!(found, Ok(None)));
    }
}
