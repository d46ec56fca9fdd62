//! Measures one model: `speed MODEL THREADS MEASUREMENT...` prints one JSON line. THREADS is `gpu` for a GPU.
//!
//! A measurement is `PROMPT+DECODE`, in tokens, with an empty cache; or `PROMPT+DECODE+MORE`: the
//! second turn of a conversation, whose text is the first one's prompt, its answer and so many tokens
//! more, once with the cache of the first turn and once without it (`without_cache`).
//! `bench/native/llama.mjs` understands the same.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::time::{Duration, Instant};

use engine::{Engine, EngineOptions, Gpu, Measurement, Speed};
use serde_json::{Map, Value, json};

/// All prompts here and their answers.
const CONTEXT_LENGTH: usize = 4096;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, threads, measurements @ ..] = arguments.as_slice() else {
        return Err("usage: speed MODEL THREADS MEASUREMENT...".into());
    };
    let gpu = match threads.as_str() {
        "gpu" => Some(pollster::block_on(Gpu::request())?),
        _ => None,
    };
    let clock = Instant::now();
    let rate = match &gpu {
        Some(gpu) => pollster::block_on(gpu.multiply_adds_per_second(|| clock.elapsed()))?,
        None => {
            engine::cpu_multiply_adds_per_second(threads.parse()?, engine::spawn_thread, || {
                clock.elapsed()
            })
        }
    };
    let copied = match &gpu {
        Some(gpu) => Some(pollster::block_on(
            gpu.copied_bytes_per_second(|| clock.elapsed()),
        )?),
        None => None,
    };
    let is_software = gpu.as_ref().map(Gpu::is_software);
    let start = Instant::now();
    let options = EngineOptions {
        threads: if gpu.is_some() { 1 } else { threads.parse()? },
        spawn: engine::spawn_thread,
        context_length: Some(CONTEXT_LENGTH),
        cache_tokens: None,
        gpu,
    };
    let mut reader = BufReader::new(File::open(model)?);
    let mut engine = Engine::load(&mut reader, &options, &mut |_| ())?;
    let load_ms = milliseconds(start.elapsed());

    let measured = measurements
        .iter()
        .map(|name| Ok((name.clone(), measure(&mut engine, name)?)))
        .collect::<Result<Map<String, Value>, Box<dyn Error>>>()?;
    let (info, facts) = (engine.info(), engine.gpu_facts());
    println!(
        "{}",
        json!({
            "load_ms": load_ms,
            "kernels": info.kernels,
            "threads": info.threads,
            "multiply_adds_per_second": rate,
            "gpu": info.gpu,
            "gpu_is_software": is_software,
            "gpu_copied_bytes_per_second": copied,
            "gpu_bytes_per_token": facts.as_ref().map(|facts| facts.bytes_per_token),
            "gpu_dispatches_per_token": facts.as_ref().map(|facts| facts.dispatches_per_token),
            "gpu_tokens_per_readback": facts.as_ref().map(|facts| facts.tokens_per_readback),
            "gpu_nanoseconds": engine.gpu_profile(128)?,
            "gpu_shapes": facts.map(|facts| facts.shapes),
            "measured": measured,
        })
    );
    Ok(())
}

fn measure(engine: &mut Engine, name: &str) -> Result<Value, Box<dyn Error>> {
    let numbers = name
        .split('+')
        .map(str::parse)
        .collect::<Result<Vec<usize>, _>>()?;
    let (&[prompt, decode_tokens] | &[prompt, decode_tokens, _]) = numbers.as_slice() else {
        return Err(format!("{name} is not PROMPT+DECODE or PROMPT+DECODE+MORE").into());
    };
    let clock = Instant::now();
    let run = |engine: &mut Engine, prompt: Vec<u32>, keep_cache| {
        let measurement = Measurement {
            prompt,
            decode_tokens,
            keep_cache,
        };
        engine.measure(&measurement, || clock.elapsed())
    };
    let prompt = engine.repeated(prompt)?;
    let first = run(engine, prompt.clone(), false)?;
    let &[_, _, more] = numbers.as_slice() else {
        return Ok(report(&first));
    };
    let second = [prompt, first.answer, engine.repeated(more)?].concat();
    let mut report_of_second = report(&run(engine, second.clone(), true)?);
    report_of_second["without_cache"] = report(&run(engine, second, false)?);
    Ok(report_of_second)
}

fn report(speed: &Speed) -> Value {
    json!({
        "prompt_tokens": speed.prompt_tokens,
        "cached_tokens": speed.cached_tokens,
        "prefill_ms": milliseconds(speed.prefill),
        "first_token_ms": milliseconds(speed.first_token),
        "decoded_tokens": speed.decoded_tokens,
        "decode_ms": milliseconds(speed.decode),
    })
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
