//! Measures one model: `speed MODEL THREADS PROMPT_TOKENS DECODE_TOKENS` prints one JSON line.
//! The prompt is made of the engine's own tokens of a fixed text, so that its length is exact.

use std::fs::File;
use std::io::BufReader;
use std::time::Instant;

use engine::{Engine, EngineOptions, Input, Request, Sampling, Step};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, threads, prompt_tokens, decode_tokens] = arguments.as_slice() else {
        return Err("usage: speed MODEL THREADS PROMPT_TOKENS DECODE_TOKENS".into());
    };
    let (prompt_tokens, decode_tokens): (usize, usize) =
        (prompt_tokens.parse()?, decode_tokens.parse()?);

    let start = Instant::now();
    let options = EngineOptions {
        threads: threads.parse()?,
        spawn: engine::spawn_thread,
        context_length: Some(4096),
        cache_tokens: None,
    };
    let mut reader = BufReader::new(File::open(model)?);
    let mut engine = Engine::load(&mut reader, &options, &mut |_| ())?;
    let load_ms = milliseconds(start);

    let sampling = Sampling {
        temperature: 0.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        repeat_penalty: 1.0,
        seed: 0,
        max_tokens: Some(decode_tokens + 1),
        stop: Vec::new(),
    };
    // " the" is one token in every vocabulary here.
    let input = Input::Raw {
        prompt: " the".repeat(prompt_tokens),
        suffix: None,
    };
    let mut session = engine.start(&Request { input, sampling })?;
    if session.usage().prompt_tokens != prompt_tokens {
        return Err(format!("the prompt has {} tokens", session.usage().prompt_tokens).into());
    }

    let start = Instant::now();
    while let Some(Step::Prefilled { done, total }) = session.next().transpose()? {
        if done == total {
            break;
        }
    }
    let prefill_ms = milliseconds(start);

    // The first token costs no pass of its own: its logits are the prompt's last.
    session.next().transpose()?;
    let start = Instant::now();
    let mut decoded = 0;
    while let Some(Step::Text { .. }) = session.next().transpose()? {
        decoded += 1;
    }
    let decode_ms = milliseconds(start);
    drop(session);

    println!(
        "{{\"load_ms\":{load_ms:.1},\"prefill_tokens\":{prompt_tokens},\"prefill_ms\":{prefill_ms:.1},\
         \"decode_tokens\":{decoded},\"decode_ms\":{decode_ms:.1},\"kernels\":\"{}\",\"threads\":{}}}",
        engine.info().kernels,
        engine.info().threads,
    );
    Ok(())
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
