//! The engine on a GPU against the engine on the processor: the same weights, the same prompts.

mod support;

use engine::{Engine, EngineOptions, Gpu, Measurement};
use std::time::Instant;

const SMOLLM: &str = "smollm2-135m-instruct-q4_1.gguf";

fn options(gpu: Option<Gpu>) -> EngineOptions {
    EngineOptions {
        threads: 2,
        spawn: engine::spawn_thread,
        context_length: Some(512),
        cache_tokens: None,
        gpu,
    }
}

fn gpu() -> Gpu {
    let gpu = pollster::block_on(Gpu::request());
    gpu.expect("Debian's mesa-vulkan-drivers has a device that every machine can play")
}

/// Greedy answer of so many tokens.
fn answer(engine: &mut Engine, prompt: &str, tokens: usize) -> Vec<u32> {
    let clock = Instant::now();
    let measurement = Measurement {
        prompt: engine.tokenize(prompt).unwrap(),
        decode_tokens: tokens,
        keep_cache: false,
    };
    let speed = engine.measure(&measurement, || clock.elapsed()).unwrap();
    println!("{speed:?}");
    speed.answer
}

#[test]
fn a_gpu_says_what_the_processor_says() {
    let mut on_gpu = support::load(SMOLLM, &options(Some(gpu())));
    let mut on_cpu = support::load(SMOLLM, &options(None));
    println!("{:?}", on_gpu.info());
    let prompt = "fn main() {\n    let numbers = vec![1, 2, 3];\n    for number in";
    assert_eq!(
        answer(&mut on_gpu, prompt, 24),
        answer(&mut on_cpu, prompt, 24)
    );
}
