//! How many multiply-adds per second a processor or a GPU does in what decoding mostly is: the product of a large
//! quantised matrix with one row. The larger figure is who should compute. And what bounds a GPU there: how fast its
//! memory is.

use std::time::Duration;

use candle_core::quantized::GgmlDType;

use crate::gpu::{Gpu, GpuError, LargeCopy, RandomProduct};
use crate::kernels::{Activations, PackedMatrix, Spawn, Workers};

/// Larger than most caches: decoding reads every weight once a token.
const ROWS: usize = 16_384;
const COLUMNS: usize = 2048;
const MULTIPLY_ADDS: f64 = (ROWS * COLUMNS) as f64;

/// More than caches hold.
const COPIED_BYTES: u64 = 256 << 20;

/// A measurement takes at least this long.
const LONG_ENOUGH: Duration = Duration::from_millis(30);

impl Gpu {
    /// Multiply-adds per second. `clock` tells the time since any moment.
    pub async fn multiply_adds_per_second(
        &self,
        clock: impl FnMut() -> Duration,
    ) -> Result<f64, GpuError> {
        let product = RandomProduct::new(self, &source(), ROWS, COLUMNS).await?;
        let rate = per_second(clock, async |times| product.run(times).await).await?;
        Ok(rate * MULTIPLY_ADDS)
    }

    /// Bytes per second that its memory moves in a copy within it: what is read and what is written. `clock` tells
    /// the time since any moment.
    pub async fn copied_bytes_per_second(
        &self,
        clock: impl FnMut() -> Duration,
    ) -> Result<f64, GpuError> {
        let copy = LargeCopy::new(self, COPIED_BYTES).await?;
        let rate = per_second(clock, async |times| copy.run(times).await).await?;
        Ok(rate * (2 * copy.bytes()) as f64)
    }
}

/// How often per second a GPU does what `run` has it do so many times.
async fn per_second(
    mut clock: impl FnMut() -> Duration,
    run: impl AsyncFn(u32) -> Result<(), GpuError>,
) -> Result<f64, GpuError> {
    // Drivers compile when a shader is first used, and give memory when it is.
    run(1).await?;
    let mut times = 1;
    loop {
        let started = clock();
        run(times).await?;
        let elapsed = clock().saturating_sub(started);
        if elapsed >= LONG_ENOUGH || times >= 1 << 12 {
            return Ok(f64::from(times) / seconds(elapsed));
        }
        times *= 4;
    }
}

/// Multiply-adds per second of the processor's kernels in so many threads. `clock` tells the time since any
/// moment.
pub fn cpu_multiply_adds_per_second(
    threads: usize,
    spawn: Spawn,
    mut clock: impl FnMut() -> Duration,
) -> f64 {
    let mut workers = Workers::new(threads, spawn);
    let mut matrix = PackedMatrix::new(GgmlDType::Q4_0, ROWS, COLUMNS).expect("a supported type");
    matrix.push_groups(&mut workers.pool, &source());
    let mut activations = Activations::default();
    workers.quantise(&[0.5; COLUMNS], COLUMNS, &mut activations);
    let mut out = vec![0.0; ROWS];
    workers.project(&activations, &matrix, &mut out);
    let started = clock();
    let mut times = 0;
    loop {
        workers.project(&activations, &matrix, &mut out);
        times += 1;
        let elapsed = clock().saturating_sub(started);
        if elapsed >= LONG_ENOUGH {
            return f64::from(times) * MULTIPLY_ADDS / seconds(elapsed);
        }
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64().max(1e-9)
}

/// Q4_0's bytes with quants of all values and one scale.
fn source() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut bytes = vec![0; ROWS * COLUMNS / 32 * 18];
    random.fill(&mut bytes);
    let scale = half::f16::from_f32(0.01).to_le_bytes();
    for block in bytes.chunks_exact_mut(18) {
        block[..2].copy_from_slice(&scale);
    }
    bytes
}
