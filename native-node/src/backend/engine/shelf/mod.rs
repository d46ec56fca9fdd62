//! The models in memory: loaded when a prompt for them comes, given up when another needs the room. What is loaded
//! for an audit costs no model its place that prompts use.

mod room;
#[cfg(test)]
pub(super) mod tests;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use ::engine::{EngineError, GpuError};

use super::{model_file::ModelFile, worker::Compute};

/// What the shelf needs of the machine.
pub(super) trait Load {
    /// May stop with any error once `wanted` says no.
    fn load(
        &mut self,
        file: &ModelFile,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Compute>, EngineError>;

    /// Memory that may be taken; `None` where nobody knows.
    fn available_bytes(&self) -> Option<u64>;

    /// What the program holds of the machine's memory, models and all; `None` where nobody knows.
    fn held_bytes(&self) -> Option<u64>;

    /// The model could not be loaded or computed on the GPU. The next time it is loaded on a device that is
    /// new, or without one.
    fn gpu_failed(&mut self, file: &ModelFile, error: &GpuError);

    fn given_up(&self, file: &ModelFile);
}

/// How long a model that answered a prompt keeps its place whatever audits need: prompts come in bursts, and to load
/// it anew would cost the next one more than the audit is worth.
const KEPT_FOR_PROMPTS: Duration = Duration::from_secs(600);

/// Whom a model is loaded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Prompt,
    Audit,
}

#[derive(Debug)]
pub(super) enum NotLoaded {
    /// Models that answer prompts have the room, and this is for an audit only.
    NoRoom,
    /// Nobody waits for it any more.
    Abandoned,
    NoMemory {
        file_bytes: u64,
        /// With all other models given up.
        available_bytes: u64,
    },
    Failed(EngineError),
}

pub(super) struct Shelf {
    loader: Box<dyn Load>,
    /// The least recently used first; audits use nothing in this sense.
    loaded: Vec<Loaded>,
    kept_for_prompts: Duration,
}

struct Loaded {
    file: Arc<ModelFile>,
    engine: Box<dyn Compute>,
    /// When it last answered a prompt, or began to.
    prompted: Option<Instant>,
}

impl Shelf {
    pub(super) fn new(loader: Box<dyn Load>) -> Self {
        Self {
            loader,
            loaded: Vec::new(),
            kept_for_prompts: KEPT_FOR_PROMPTS,
        }
    }

    /// The model, and how long it took to load if it was not there.
    pub(super) fn take(
        &mut self,
        file: &Arc<ModelFile>,
        for_whom: Use,
        wanted: &dyn Fn() -> bool,
    ) -> Result<(&mut dyn Compute, Duration), NotLoaded> {
        let started = Instant::now();
        let known = self.loaded.iter().position(|known| known.file == *file);
        if known.is_none() {
            let loaded = Loaded {
                file: Arc::clone(file),
                engine: self.bring(file, for_whom, wanted)?,
                prompted: None,
            };
            self.loaded.insert(0, loaded);
        }
        let mut place = known.unwrap_or(0);
        if for_whom == Use::Prompt {
            let mut used = self.loaded.remove(place);
            used.prompted = Some(Instant::now());
            place = self.loaded.len();
            self.loaded.push(used);
        }
        let took = match known {
            Some(_) => Duration::ZERO,
            None => started.elapsed(),
        };
        Ok((self.loaded[place].engine.as_mut(), took))
    }

    /// Lets go of a model that is in no state to be gone on with.
    pub(super) fn discard(&mut self, file: &Arc<ModelFile>) {
        self.loaded.retain(|known| known.file != *file);
    }

    /// The GPU failed the model while it was computed: lets go of all that is no more.
    pub(super) fn gpu_failed(&mut self, file: &Arc<ModelFile>, error: &GpuError) {
        if matches!(error, GpuError::Lost(_)) {
            self.loaded.clear();
        } else {
            self.discard(file);
        }
        self.loader.gpu_failed(file, error);
    }

    /// Loads it where there is room, on the GPU or, where that won't have it, in the machine's memory.
    fn bring(
        &mut self,
        file: &Arc<ModelFile>,
        for_whom: Use,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Compute>, NotLoaded> {
        loop {
            self.make_room(file, for_whom)?;
            match self.load(file, wanted) {
                Err(NotLoaded::Failed(EngineError::Gpu(error))) => {
                    self.make_room_on_gpu(file, for_whom, &error)?;
                }
                done => return done,
            }
        }
    }

    fn load(
        &mut self,
        file: &ModelFile,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Compute>, NotLoaded> {
        // A file that brings the engine to panic must not end the thread of all models.
        let loaded = catch_unwind(AssertUnwindSafe(|| self.loader.load(file, wanted)));
        let loaded = loaded.unwrap_or_else(|_| {
            let message = "the engine made a mistake when it loaded it";
            Err(EngineError::InvalidModel(message.into()))
        });
        loaded.map_err(|error| {
            if wanted() {
                NotLoaded::Failed(error)
            } else {
                NotLoaded::Abandoned
            }
        })
    }
}
