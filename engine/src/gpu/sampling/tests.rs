//! The GPU's choice against the CPU's, over logits of every kind.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::sampler::{Sampler, argmax, likelier};

gpu_tests! {
    small_vocabularies_are_sampled_as_on_the_cpu,
    slices_that_are_not_whole_are_sampled_as_on_the_cpu,
    large_vocabularies_are_sampled_as_on_the_cpu,
    a_batch_draws_what_the_cpu_draws_with_the_same_seed,
    what_is_beyond_the_settings_or_the_sequence_is_refused,
}

/// By how much of all probability single precision may move the edge between two tokens.
const ROUNDING: f64 = 1e-4;

const LONGEST: usize = 400;

/// A sampler and what the model around it would hold.
struct Bench {
    gpu: Gpu,
    vocabulary: usize,
    logits: wgpu::Buffer,
    state: wgpu::Buffer,
    tokens: wgpu::Buffer,
    sampler: GpuSampler,
}

/// What stands in the buffers after some steps.
struct After {
    length: usize,
    step: usize,
    tokens: Vec<u32>,
    logits: Vec<f32>,
}

impl Bench {
    fn new(gpu: &Gpu, vocabulary: usize) -> Self {
        let words = |label, count: usize| gpu.storage(label, 4 * count as u64);
        let (logits, state) = (words("logits", vocabulary), words("state", 2));
        let tokens = words("tokens", LONGEST);
        Self {
            sampler: GpuSampler::new(gpu, vocabulary, &logits, &state, &tokens),
            gpu: gpu.clone(),
            vocabulary,
            logits,
            state,
            tokens,
        }
    }

    async fn run(
        &self,
        settings: &Sampling,
        logits: &[f32],
        tokens: &[u32],
        uniforms: &[f32],
    ) -> After {
        let queue = &self.gpu.queue;
        let bytes = |words: &[u32]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_le_bytes()).collect()
        };
        let logits: Vec<u32> = logits.iter().map(|logit| logit.to_bits()).collect();
        queue.write_buffer(&self.logits, 0, &bytes(&logits));
        queue.write_buffer(&self.tokens, 0, &bytes(tokens));
        // A step number of an earlier batch.
        queue.write_buffer(&self.state, 0, &bytes(&[tokens.len() as u32, 5]));
        self.sampler.prepare(queue, settings, uniforms);
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        for _ in uniforms {
            self.sampler.encode(&mut pass);
        }
        drop(pass);
        let buffers = [&self.state, &self.tokens, &self.logits];
        let counts = [2, LONGEST, self.vocabulary];
        let copies = [0, 1, 2].map(|at| {
            let (buffer, size) = (buffers[at], 4 * counts[at] as u64);
            let copy = self.gpu.readable("copy", size);
            encoder.copy_buffer_to_buffer(buffer, 0, &copy, 0, size);
            (copy, size)
        });
        queue.submit([encoder.finish()]);
        let words = |bytes: &[u8]| -> Vec<u32> {
            let (words, _) = bytes.as_chunks();
            words.iter().map(|&word| u32::from_le_bytes(word)).collect()
        };
        let mut read = Vec::new();
        for (copy, size) in copies {
            read.push(self.gpu.read(&copy, size).finish(words).await.unwrap());
        }
        let [state, tokens, logits]: [Vec<u32>; 3] = read.try_into().unwrap();
        After {
            length: state[0] as usize,
            step: state[1] as usize,
            tokens,
            logits: logits.into_iter().map(f32::from_bits).collect(),
        }
    }

    /// Runs some steps on both and fails where they differ by more than rounding.
    async fn compare(
        &self,
        settings: &Sampling,
        logits: &[f32],
        recent: &[u32],
        uniforms: &[f32],
    ) -> Result<(), TestCaseError> {
        let after = self.run(settings, logits, recent, uniforms).await;
        prop_assert_eq!(after.length, recent.len() + uniforms.len());
        prop_assert_eq!(after.step, uniforms.len());
        prop_assert_eq!(&after.tokens[..recent.len()], recent);
        let mut cpu = Sampler::new(settings);
        let mut logits = logits.to_vec();
        for (at, &uniform) in (recent.len()..).zip(uniforms) {
            let (before, found) = (&after.tokens[..at], after.tokens[at]);
            let expected = cpu.choose(&mut logits, before, uniform.into());
            prop_assert!(
                found == expected || is_near(settings, &logits, uniform, found),
                "{found} instead of {expected} in step {}",
                at - recent.len()
            );
        }
        for (found, expected) in after.logits.iter().zip(&logits) {
            // A GPU's division may be off by some units in the last place.
            let near = (found - expected).abs() <= expected.abs() * 1e-6;
            prop_assert!(
                near || found.to_bits() == expected.to_bits(),
                "the penalty made {found} of what should be {expected}"
            );
        }
        Ok(())
    }
}

/// Whether the token may be drawn where sums are rounded: by definition, with all of the vocabulary sorted.
fn is_near(settings: &Sampling, logits: &[f32], uniform: f32, token: u32) -> bool {
    if settings.is_greedy() || !argmax(logits).1.is_finite() {
        return false;
    }
    let mut all: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).collect();
    all.retain(|(_, logit)| logit.is_finite());
    all.sort_by(likelier);
    all.truncate(settings.top_k);
    let largest = all[0].1;
    if settings.min_p > 0.0 {
        all.retain(|&(_, logit)| logit >= largest + settings.min_p.ln());
    }
    let weights = |kept: &[(u32, f32)], temperature: f32| -> Vec<f64> {
        let weigh = |&(_, logit): &(u32, f32)| f64::from((logit - largest) / temperature).exp();
        let weights: Vec<f64> = kept.iter().map(weigh).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / total).collect()
    };
    let raw = weights(&all, 1.0);
    // Every number of candidates that `top_p` may have left.
    (1..=all.len()).any(|kept| {
        let reached = |count: usize| raw[..count].iter().sum::<f64>();
        let top_p = f64::from(settings.top_p);
        let enough = kept == all.len() || reached(kept) >= top_p - ROUNDING;
        if !enough || (kept > 1 && reached(kept - 1) >= top_p + ROUNDING) {
            return false;
        }
        let mut reached = 0.0;
        let shares = weights(&all[..kept], settings.temperature);
        all.iter().zip(shares).any(|(&(candidate, _), share)| {
            let from = reached;
            reached += share;
            let range = from - ROUNDING..=reached + ROUNDING;
            candidate == token && range.contains(&f64::from(uniform))
        })
    })
}

/// How the logits of a test come about.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Spread(f32),
    /// Few different values: equals everywhere, at the k-th place too.
    Steps,
    Equal(f32),
    /// With what no model should say in between.
    Wild,
    Rising,
    Falling,
    /// Likely ones all with the same few threads of a workgroup.
    Crowded,
    /// Of both signs.
    Zeros,
    Impossible,
}

fn logits(kind: Kind, vocabulary: usize, seed: u64) -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(seed);
    let wild = [
        f32::NAN,
        -f32::NAN,
        f32::NEG_INFINITY,
        f32::INFINITY,
        f32::MAX,
        f32::MIN,
        0.0,
        -0.0,
        1.0,
    ];
    // Infinity and the largest would leave nothing to the others.
    let mild = random.bool();
    let logit = |token: usize| match kind {
        // Sums of uniform numbers are nearly normal.
        Kind::Spread(scale) => ((0..6).map(|_| random.f32()).sum::<f32>() - 3.0) * scale,
        Kind::Steps => random.u8(0..5).into(),
        Kind::Equal(logit) => logit,
        Kind::Wild => match random.choice(wild).unwrap_or(0.0) {
            large if mild && (large == f32::INFINITY || large == f32::MAX) => 2.0,
            logit => logit,
        },
        Kind::Rising => token as f32 / 10.0,
        Kind::Falling => token as f32 / -10.0,
        Kind::Crowded => random.f32() + (token % 256) as f32,
        Kind::Zeros => [0.0, -0.0][usize::from(random.bool())],
        Kind::Impossible => [f32::NAN, f32::NEG_INFINITY][token % 2],
    };
    (0..vocabulary).map(logit).collect()
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => (0.1f32..30.0).prop_map(Kind::Spread),
        2 => Just(Kind::Steps),
        1 => prop::sample::select(vec![0.0, -0.0, 5.0, -1e30, f32::NAN, f32::NEG_INFINITY, f32::INFINITY])
            .prop_map(Kind::Equal),
        2 => Just(Kind::Wild),
        1 => Just(Kind::Rising),
        1 => Just(Kind::Falling),
        2 => Just(Kind::Crowded),
        1 => Just(Kind::Zeros),
        1 => Just(Kind::Impossible),
    ]
}

prop_compose! {
    fn settings()(
        temperature in prop_oneof![1 => Just(0.0f32), 4 => 0.05f32..2.0, 1 => Just(1e-40)],
        top_k in 1usize..=64,
        top_p in prop_oneof![2 => Just(1.0f32), 3 => 0.05f32..1.0, 1 => Just(0.0)],
        min_p in prop_oneof![2 => Just(0.0f32), 2 => 0.001f32..1.0, 1 => Just(1.5)],
        repeat_penalty in prop_oneof![1 => Just(1.0f32), 2 => 0.5f32..2.0],
    ) -> Sampling {
        let greedy = Sampling::greedy(None);
        Sampling { temperature, top_k, top_p, min_p, repeat_penalty, ..greedy }
    }
}

/// Numbers as the CPU draws them, and the ends of their range.
fn uniforms() -> impl Strategy<Value = Vec<f32>> {
    let one = prop_oneof![8 => 0.0f32..1.0, 1 => Just(0.0), 1 => Just(1f32.next_down())];
    prop::collection::vec(one, 1..6)
}

async fn check(vocabulary: usize, cases: u32) {
    let bench = Bench::new(&gpu().await, vocabulary);
    let recent = prop::collection::vec(0..vocabulary as u32 + 2, 0..200);
    let inputs = (kinds(), any::<u64>(), settings(), recent, uniforms());
    let mut runner = TestRunner::default();
    for _ in 0..cases {
        let drawn = inputs.new_tree(&mut runner).unwrap().current();
        let (kind, seed, settings, mut recent, uniforms) = drawn;
        let logits = logits(kind, vocabulary, seed);
        // The likeliest ones are what a model repeats.
        let likely = argmax(&logits).0;
        recent
            .iter_mut()
            .step_by(3)
            .for_each(|token| *token = likely);
        let compared = bench.compare(&settings, &logits, &recent, &uniforms).await;
        compared.unwrap_or_else(|difference| {
            panic!("{difference}: {kind:?} {seed} {settings:?} {recent:?} {uniforms:?}")
        });
    }
}

/// With what every adapter has, and nothing more.
async fn gpu() -> Gpu {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = instance
        .request_adapter(&Default::default())
        .await
        .expect("a GPU, as Debian's mesa-vulkan-drivers plays one");
    let (device, queue) = adapter.request_device(&Default::default()).await.unwrap();
    Gpu::watching(device, queue, &adapter.get_info(), false)
}

async fn small_vocabularies_are_sampled_as_on_the_cpu() {
    for vocabulary in [1, 2, 63, 65, 256] {
        check(vocabulary, 40).await;
    }
}

async fn slices_that_are_not_whole_are_sampled_as_on_the_cpu() {
    for vocabulary in [4095, 4096, 4097, 9000] {
        check(vocabulary, 60).await;
    }
}

async fn large_vocabularies_are_sampled_as_on_the_cpu() {
    for vocabulary in [151_936, 152_064, MOST_CANDIDATES * SLICE] {
        check(vocabulary, 30).await;
    }
}

async fn a_batch_draws_what_the_cpu_draws_with_the_same_seed() {
    let bench = Bench::new(&gpu().await, 5000);
    let settings = Sampling {
        temperature: 0.8,
        top_k: 40,
        top_p: 0.95,
        repeat_penalty: 1.1,
        seed: 7,
        ..Sampling::greedy(None)
    };
    let first = logits(Kind::Spread(3.0), 5000, 3);
    let mut cpu = Sampler::new(&settings);
    let after = bench
        .run(&settings, &first, &[9], &cpu.uniforms(2..2 + MOST_STEPS))
        .await;
    let mut logits = first;
    let mut tokens = vec![9];
    cpu.skip(2);
    for _ in 0..MOST_STEPS {
        tokens.push(cpu.sample(&mut logits, &tokens));
    }
    assert_eq!(after.tokens[..tokens.len()], tokens);
}

async fn what_is_beyond_the_settings_or_the_sequence_is_refused() {
    let gpu = gpu().await;
    let bench = Bench::new(&gpu, 300);
    let top_k = |top_k| Sampling {
        temperature: 1.0,
        top_k,
        ..Sampling::greedy(None)
    };
    assert!(bench.sampler.can(&Sampling::greedy(None)));
    let can = [0, 1, 64, 65].map(|count| bench.sampler.can(&top_k(count)));
    assert_eq!(can, [false, true, true, false]);
    let many = GpuSampler::new(&gpu, 70 * SLICE, &bench.logits, &bench.state, &bench.tokens);
    assert!(many.can(&top_k(40)) && !many.can(&top_k(64)));

    // A full sequence stays as it is.
    let full: Vec<u32> = (0..LONGEST as u32).collect();
    let after = bench
        .run(&Sampling::greedy(None), &[0.0; 300], &full, &[0.5])
        .await;
    assert_eq!(after.tokens, full);
}
