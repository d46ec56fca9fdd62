//! Loads the engine's models from the disk.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    time::Instant,
};

use ::engine::{Engine, EngineError, EngineOptions, Gpu, GpuError, LoadProgress};
use tokio::sync::watch;

use super::{graphics::Graphics, model_file::ModelFile, shelf::Load, worker::Compute};
use crate::{
    device,
    language::Language,
    status::{Processor, Status},
};

pub(super) struct Loader {
    pub(super) options: EngineOptions,
    pub(super) graphics: Graphics,
    /// Told which GPU computes the model that was loaded last; `None`: the CPU does.
    pub(super) in_use: watch::Sender<Option<Gpu>>,
    pub(super) status: Status,
    pub(super) language: Language,
}

impl Load for Loader {
    fn load(
        &mut self,
        file: &ModelFile,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Compute>, EngineError> {
        let language = self.language;
        let started = Instant::now();
        let mut shown = (started, 0);
        let mut reader = BufReader::new(Wanted {
            file: File::open(&file.path)?,
            wanted,
        });
        let mut show = |progress: LoadProgress| {
            let percent = (progress.done_bytes * 100)
                .checked_div(progress.total_bytes)
                .unwrap_or(0);
            // A line a second at most: most models load before the first.
            if shown.0.elapsed().as_secs() >= 1 && percent > shown.1 {
                tracing::info!("{}", language.load_progress(&file.id, percent));
                shown = (Instant::now(), percent);
            }
        };
        let options = EngineOptions {
            gpu: self.graphics.for_model(file),
            ..self.options.clone()
        };
        let engine = Engine::load(&mut reader, &options, &mut show)?;
        let processor = match &engine.info().gpu {
            Some(adapter) => Processor::Gpu {
                adapter: adapter.clone(),
            },
            None => Processor::Cpu {
                threads: options.threads,
            },
        };
        tracing::info!(
            "{}",
            language.model_loaded(&file.id, started.elapsed(), &processor)
        );
        self.status.processor(processor);
        if let Some(gpu) = &options.gpu {
            self.graphics.loaded(gpu);
        }
        self.in_use.send_replace(options.gpu);
        Ok(Box::new(engine))
    }

    fn available_bytes(&self) -> Option<u64> {
        device::available_memory_bytes()
    }

    fn held_bytes(&self) -> Option<u64> {
        device::own_memory_bytes()
    }

    fn gpu_failed(&mut self, file: &ModelFile, error: &GpuError) {
        self.graphics.failed(file, error);
    }

    fn given_up(&self, file: &ModelFile) {
        tracing::info!("{}", self.language.model_given_up(&file.id));
    }
}

/// A file that can't be read any more once nobody wants it: the way to stop a load half-way.
struct Wanted<'a> {
    file: File,
    wanted: &'a dyn Fn() -> bool,
}

impl Read for Wanted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.wanted)() {
            self.file.read(buffer)
        } else {
            Err(io::Error::other("nobody waits for the model"))
        }
    }
}

impl Seek for Wanted<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}
