//! The GPU that models are computed on, for as long as it lasts, and which of them it can't have.

use ::engine::{Gpu, GpuError};

use super::{card::Card, model_file::ModelFile};
use crate::language::Language;

/// A second loss is no accident: the driver would be lost again with the next prompts.
const MOST_LOSSES: u32 = 2;

pub(super) struct Graphics {
    /// `None`: the CPU computes whatever comes.
    gpu: Option<Gpu>,
    card: Card,
    losses: u32,
    /// Those that the CPU computes.
    refused: Vec<ModelFile>,
    language: Language,
}

impl Graphics {
    pub(super) fn new(gpu: Option<Gpu>, card: Card, language: Language) -> Self {
        Self {
            gpu,
            card,
            losses: 0,
            refused: Vec::new(),
            language,
        }
    }

    /// What this model is to be computed on; `None`: the CPU.
    pub(super) fn for_model(&self, file: &ModelFile) -> Option<Gpu> {
        self.gpu.clone().filter(|_| !self.refused.contains(file))
    }

    /// A model was loaded on it.
    pub(super) fn loaded(&self, gpu: &Gpu) {
        self.card.keep(gpu);
    }

    /// Loading or computing the model failed on the GPU. Whatever the reason, `for_model` gives another answer
    /// from then on, or a device that is new.
    pub(super) fn failed(&mut self, file: &ModelFile, error: &GpuError) {
        let Some(gpu) = self.gpu.take() else { return };
        if !matches!(error, GpuError::Lost(_)) {
            tracing::warn!("{}", self.language.gpu_refused(&file.id, error));
            self.refused.push(file.clone());
            self.gpu = Some(gpu);
            return;
        }
        self.losses += 1;
        if self.losses < MOST_LOSSES {
            // What is left where a card has fallen off its bus may be only the CPU that plays one.
            let again = self.card.request().ok();
            self.gpu = again.filter(|again| gpu.is_software() || !again.is_software());
        }
        tracing::warn!(
            "{}",
            self.language
                .gpu_lost(gpu.adapter(), error, self.gpu.is_some())
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{super::shelf::tests::file, *};

    fn with_gpu() -> Graphics {
        let card = Card::default();
        Graphics::new(
            Some(card.request().expect(
                "a Vulkan driver: apt-get install mesa-vulkan-drivers brings one that needs no GPU",
            )),
            card,
            Language::English,
        )
    }

    fn lost() -> GpuError {
        GpuError::Lost("the driver was restarted".into())
    }

    #[test]
    fn a_gpu_that_was_lost_is_asked_for_again_once() {
        let (mut graphics, model) = (with_gpu(), file("a", 100));
        assert!(graphics.for_model(&model).is_some());
        graphics.failed(&model, &lost());
        assert!(graphics.for_model(&model).is_some());
        graphics.failed(&model, &lost());
        assert!(graphics.for_model(&model).is_none(), "it is no accident");
        // What was begun before may fail after.
        graphics.failed(&model, &lost());
        assert!(graphics.for_model(&model).is_none());
    }

    #[test]
    fn what_does_not_fit_is_the_cpus_and_the_others_stay() {
        let mut graphics = with_gpu();
        let (small, large) = (file("small", 100), file("large", 1000));
        graphics.failed(&large, &GpuError::OutOfMemory("1000 bytes".into()));
        assert!(graphics.for_model(&large).is_none());
        assert!(graphics.for_model(&small).is_some());
        let replaced = file("large", 900);
        assert!(
            graphics.for_model(&replaced).is_some(),
            "it is another file"
        );
    }
}
