//! What suits an adapter: every kind of product is timed in some shapes, over all layers as in a token's pass, and a
//! prompt's layers with each kind of sums, and the fastest is taken.

use super::decode::Shape;
use super::device::{Abilities, Gpu, GpuError};
use super::dispatch::Dispatch;
use super::prefill::{Dots, Prefill};
use crate::model::CHUNK;

/// All that was chosen. As text, the shapes, and `floats` or `bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choices {
    pub(super) shapes: Shapes,
    pub(super) dots: Dots,
}

impl Choices {
    /// What the text says, where it says all of it and shaders may still do it.
    pub(super) fn read(text: &str, abilities: Abilities) -> Option<Self> {
        let (shapes, dots) = text.rsplit_once(' ')?;
        let dots = match dots {
            "floats" => Dots::Floats,
            "bytes" if abilities.byte_dots => Dots::Bytes,
            _ => return None,
        };
        let shapes = Shapes::read(shapes)?;
        Some(Self { shapes, dots })
    }
}

impl std::fmt::Display for Choices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { shapes, dots } = self;
        let dots = match dots {
            Dots::Floats => "floats",
            Dots::Bytes => "bytes",
        };
        write!(f, "{shapes} {dots}")
    }
}

/// Tries both; `make` gives a prompt's pass. Floats where the adapter has no others or can't time, or where a processor
/// plays it.
pub(super) async fn tuned_dots(
    gpu: &Gpu,
    mut make: impl FnMut(Dots) -> Prefill,
) -> Result<Dots, GpuError> {
    let abilities = gpu.abilities;
    if !abilities.byte_dots || !abilities.timestamps || gpu.is_software() {
        return Ok(Dots::Floats);
    }
    let timer = Timer::new(gpu);
    let mut candidates = Vec::new();
    for dots in [Dots::Floats, Dots::Bytes] {
        candidates.push((dots, gpu.attempt(|| make(dots)).await?));
    }
    let mut best = (f64::INFINITY, Dots::Floats);
    for round in 0..=ROUNDS {
        for (dots, prefill) in &candidates {
            prefill.begin(0, CHUNK);
            let run = |pass: &mut wgpu::ComputePass<'_>| prefill.encode_some(pass, CHUNK);
            let nanoseconds = timer.time(run).await?;
            if round > 0 && nanoseconds < best.0 {
                best = (nanoseconds, *dots);
            }
        }
    }
    Ok(best.1)
}

/// A shape for each kind of product of a token's pass. As text, `threads × rows` of each, as in
/// `32x2 32x1 64x2 256x2 32x8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shapes([Shape; Kind::ALL.len()]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    QueryKeyValue,
    Output,
    GateUp,
    Down,
    Logits,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self::QueryKeyValue,
        Self::Output,
        Self::GateUp,
        Self::Down,
        Self::Logits,
    ];
}

/// Times that a candidate is run; the fastest counts.
const RUNS: u32 = 4;

/// Threads and rows that were the fastest of something on some adapter.
const CANDIDATES: [(u32, usize); 8] = [
    (32, 1),
    (32, 2),
    (32, 8),
    (64, 2),
    (64, 4),
    (64, 8),
    (128, 2),
    (256, 2),
];

/// Rounds in which all candidates are timed, after one that only wakes the GPU up.
const ROUNDS: u32 = 2;

impl Shapes {
    /// What suits most: a thread a block, up to 128 of them. `width` are the columns of most matrices,
    /// `inner` those of the one behind the gate.
    pub(super) fn usual(width: usize, inner: usize) -> Self {
        let shape = |columns: usize| Shape {
            threads: (columns / 32).next_power_of_two().clamp(32, 128) as u32,
            rows: 4,
        };
        Self(Kind::ALL.map(|kind| shape(if kind == Kind::Down { inner } else { width })))
    }

    pub(super) fn of(&self, kind: Kind) -> Shape {
        self.0[kind as usize]
    }

    /// What the text says, where it says it of every kind.
    pub(super) fn read(text: &str) -> Option<Self> {
        let shapes = text.split_whitespace().map(|shape| {
            let (threads, rows) = shape.split_once('x')?;
            let known = |candidate: &&(u32, usize)| {
                threads.parse() == Ok(candidate.0) && rows.parse() == Ok(candidate.1)
            };
            let &(threads, rows) = CANDIDATES.iter().find(known)?;
            Some(Shape { threads, rows })
        });
        let shapes: Option<Vec<Shape>> = shapes.collect();
        Some(Self(shapes?.try_into().ok()?))
    }

    /// Tries shapes for each kind of product; `make` gives the dispatches of all layers. `None` where the
    /// adapter can't time, or where a processor plays it and it is not worth the while.
    pub(super) async fn tuned(
        mut self,
        gpu: &Gpu,
        mut make: impl FnMut(Kind, Shape) -> Vec<Dispatch>,
    ) -> Result<Self, GpuError> {
        if !gpu.abilities.timestamps || gpu.is_software() {
            return Ok(self);
        }
        let timer = Timer::new(gpu);
        for kind in Kind::ALL {
            let mut candidates = Vec::new();
            for (threads, rows) in CANDIDATES {
                let shape = Shape { threads, rows };
                candidates.push((shape, gpu.attempt(|| make(kind, shape)).await?));
            }
            // All are compiled before any is timed: a GPU that waits for a compiler runs slowly at first.
            let mut best = (f64::INFINITY, self.of(kind));
            for round in 0..=ROUNDS {
                for (shape, dispatches) in &candidates {
                    let run = |pass: &mut wgpu::ComputePass<'_>| {
                        for dispatch in dispatches {
                            dispatch.encode(pass, 1);
                        }
                    };
                    let nanoseconds = timer.time(run).await?;
                    if round > 0 && nanoseconds < best.0 {
                        best = (nanoseconds, *shape);
                    }
                }
            }
            self.0[kind as usize] = best.1;
        }
        Ok(self)
    }
}

impl std::fmt::Display for Shapes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, Shape { threads, rows }) in self.0.iter().enumerate() {
            let gap = if index > 0 { " " } else { "" };
            write!(f, "{gap}{threads}x{rows}")?;
        }
        Ok(())
    }
}

/// How long the GPU itself takes.
pub(super) struct Timer<'a> {
    gpu: &'a Gpu,
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    read: wgpu::Buffer,
}

impl<'a> Timer<'a> {
    pub(super) fn new(gpu: &'a Gpu) -> Self {
        let queries = gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("begin and end"),
            ty: wgpu::QueryType::Timestamp,
            count: 2,
        });
        let resolved = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("begin and end"),
            size: 16,
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        Self {
            queries,
            resolved,
            read: gpu.readable("begin and end", 16),
            gpu,
        }
    }

    /// Nanoseconds of what `encode` puts into a pass: the least of some runs.
    pub(super) async fn time(
        &self,
        encode: impl Fn(&mut wgpu::ComputePass<'_>),
    ) -> Result<f64, GpuError> {
        let mut least = f64::INFINITY;
        for _ in 0..RUNS {
            least = least.min(self.time_once(&encode).await?);
        }
        Ok(least)
    }

    async fn time_once(
        &self,
        encode: &impl Fn(&mut wgpu::ComputePass<'_>),
    ) -> Result<f64, GpuError> {
        let mut encoder = self.gpu.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &self.queries,
                    beginning_of_pass_write_index: Some(0),
                    end_of_pass_write_index: Some(1),
                }),
            });
            encode(&mut pass);
        }
        encoder.resolve_query_set(&self.queries, 0..2, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.read, 0, 16);
        self.gpu.queue.submit([encoder.finish()]);
        let reading = self.gpu.read(&self.read, 16);
        let ticks = reading
            .finish(|bytes| {
                let (words, _) = bytes.as_chunks::<8>();
                u64::from_le_bytes(words[1]).saturating_sub(u64::from_le_bytes(words[0]))
            })
            .await?;
        Ok(ticks as f64 * f64::from(self.gpu.queue.get_timestamp_period()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_as_they_were_written_and_nothing_else_is() {
        let shape = |(threads, rows)| Shape { threads, rows };
        let shapes = Shapes([0, 1, 2, 3, 7].map(|index: usize| shape(CANDIDATES[index])));
        assert_eq!(Shapes::read(&shapes.to_string()), Some(shapes));
        for text in [
            "",
            "32x2",
            "32x2 32x2 32x2 32x2 32x2 32x2",
            "32x2 32x2 32x2 32x2 33x2",
            "a",
        ] {
            assert_eq!(Shapes::read(text), None, "{text}");
        }
        let abilities = |byte_dots| Abilities {
            subgroups: false,
            halves: false,
            timestamps: true,
            byte_dots,
        };
        for dots in [Dots::Floats, Dots::Bytes] {
            let choices = Choices { shapes, dots };
            let text = choices.to_string();
            assert_eq!(Choices::read(&text, abilities(true)), Some(choices));
            let again = Choices::read(&text, abilities(false));
            assert_eq!(again.is_some(), dots == Dots::Floats);
            assert_eq!(Choices::read(&format!("{text}s"), abilities(true)), None);
        }
        // As it was written before prompts had a choice.
        assert_eq!(Choices::read(&shapes.to_string(), abilities(true)), None);
    }
}
