//! CPU or GPU: what the owner wants, else whichever a measurement finds faster.

use std::time::Instant;

use ::engine::{Gpu, GpuError};

use super::card::Card;
use crate::{
    config::{EngineSettings, ProcessorChoice},
    language::Language,
};

/// Multiply-adds per second of the same product on both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speeds {
    pub gpu: f64,
    pub cpu: f64,
}

/// What computes, and why.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The owner wants the CPU.
    CpuWanted,
    /// The owner wants the GPU.
    GpuWanted,
    GpuFaster(Speeds),
    CpuFaster(Speeds),
    /// There is none, or it failed where it was measured.
    NoGpu(GpuError),
    /// The CPU plays one, which only makes it slower.
    OnlySoftware,
}

impl Verdict {
    fn uses_gpu(&self) -> bool {
        matches!(self, Self::GpuWanted | Self::GpuFaster(_))
    }
}

/// The GPU to compute with; `None`: the CPU. The log says which, and what to do where the owner wanted another. May take
/// seconds: a driver is loaded, and both are measured where nothing was asked for.
pub async fn choose(settings: &EngineSettings, card: &Card, language: Language) -> Option<Gpu> {
    let card = card.clone();
    let (choice, threads) = (settings.processor, settings.threads);
    let chosen = tokio::task::spawn_blocking(move || {
        let gpu = match choice {
            ProcessorChoice::Cpu => None,
            ProcessorChoice::Gpu | ProcessorChoice::Measured => Some(card.request()),
        };
        let verdict = judge(choice, gpu.as_ref(), |gpu| measure(gpu, threads));
        (gpu.and_then(Result::ok), verdict)
    });
    let (gpu, verdict) = match chosen.await {
        Ok(chosen) => chosen,
        // A driver's mistake is no reason to do without a node.
        Err(error) => (None, Verdict::NoGpu(GpuError::Driver(error.to_string()))),
    };
    let adapter = gpu.as_ref().map_or("", Gpu::adapter);
    let told = language.processor_chosen(&verdict, adapter, choice);
    if choice == ProcessorChoice::Gpu && !verdict.uses_gpu() {
        tracing::warn!("{told}");
    } else {
        tracing::info!("{told}");
    }
    gpu.filter(|_| verdict.uses_gpu())
}

pub(super) fn measure_gpu(gpu: &Gpu) -> Result<f64, GpuError> {
    let started = Instant::now();
    pollster::block_on(gpu.multiply_adds_per_second(|| started.elapsed()))
}

fn measure(gpu: &Gpu, threads: usize) -> Result<Speeds, GpuError> {
    let (gpu, started) = (measure_gpu(gpu)?, Instant::now());
    let cpu = ::engine::cpu_multiply_adds_per_second(threads, ::engine::spawn_thread, || {
        started.elapsed()
    });
    Ok(Speeds { gpu, cpu })
}

/// What is known of a GPU before it computes.
trait Adapter {
    fn is_software(&self) -> bool;
}

impl Adapter for Gpu {
    fn is_software(&self) -> bool {
        Gpu::is_software(self)
    }
}

/// `found`: absent where none was looked for.
fn judge<G: Adapter>(
    choice: ProcessorChoice,
    found: Option<&Result<G, GpuError>>,
    measure: impl FnOnce(&G) -> Result<Speeds, GpuError>,
) -> Verdict {
    let gpu = match found {
        None => return Verdict::CpuWanted,
        Some(Err(error)) => return Verdict::NoGpu(error.clone()),
        Some(Ok(gpu)) if gpu.is_software() => return Verdict::OnlySoftware,
        Some(Ok(gpu)) => gpu,
    };
    if choice == ProcessorChoice::Gpu {
        return Verdict::GpuWanted;
    }
    match measure(gpu) {
        Ok(speeds) if speeds.gpu > speeds.cpu => Verdict::GpuFaster(speeds),
        Ok(speeds) => Verdict::CpuFaster(speeds),
        Err(error) => Verdict::NoGpu(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Card {
        software: bool,
    }

    impl Adapter for Card {
        fn is_software(&self) -> bool {
            self.software
        }
    }

    fn verdict(choice: ProcessorChoice, found: &Result<Card, GpuError>, gpu: f64) -> Verdict {
        let measure = |_: &Card| Ok(Speeds { gpu, cpu: 2.0 });
        judge(choice, Some(found), measure)
    }

    #[test]
    fn what_is_faster_computes_where_nothing_was_asked_for() {
        let found = |gpu| {
            let card = Card { software: false };
            verdict(ProcessorChoice::Measured, &Ok(card), gpu)
        };
        let speeds = |gpu| Speeds { gpu, cpu: 2.0 };
        assert_eq!(found(3.0), Verdict::GpuFaster(speeds(3.0)));
        assert_eq!(found(1.0), Verdict::CpuFaster(speeds(1.0)));
        assert_eq!(found(2.0), Verdict::CpuFaster(speeds(2.0)));
    }

    #[test]
    fn a_gpu_that_was_asked_for_is_not_measured() {
        let found: Result<Card, GpuError> = Ok(Card { software: false });
        let judged = judge(ProcessorChoice::Gpu, Some(&found), |_| {
            panic!("the owner has decided")
        });
        assert_eq!(judged, Verdict::GpuWanted);
    }

    #[test]
    fn a_processor_that_plays_a_gpu_never_computes() {
        for choice in [ProcessorChoice::Measured, ProcessorChoice::Gpu] {
            let judged = verdict(choice, &Ok(Card { software: true }), 9.0);
            assert_eq!(judged, Verdict::OnlySoftware);
        }
    }

    #[test]
    fn without_a_gpu_that_works_the_cpu_computes() {
        let none = GpuError::Unavailable("no adapter".into());
        for choice in [ProcessorChoice::Measured, ProcessorChoice::Gpu] {
            let judged = verdict(choice, &Err(none.clone()), 9.0);
            assert_eq!(judged, Verdict::NoGpu(none.clone()));
        }
        let (found, lost) = (
            Ok(Card { software: false }),
            GpuError::Lost("it hung".into()),
        );
        let judged = judge(ProcessorChoice::Measured, Some(&found), |_| {
            Err(lost.clone())
        });
        assert_eq!(judged, Verdict::NoGpu(lost));
        let unasked: Option<&Result<Card, GpuError>> = None;
        let judged = judge(ProcessorChoice::Cpu, unasked, |_| panic!("there is none"));
        assert_eq!(judged, Verdict::CpuWanted);
    }
}
