//! How surprised the engine is by a text, beside how surprised llama.cpp is by it with the same weights:
//! files that `scripts/make-golden.sh perplexity` made. No kernel's way of computing shows in these numbers;
//! a kernel that computes wrongly does.

mod support;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

use engine::{Engine, EngineOptions};
use serde::Deserialize;

/// How far a perplexity may lie from llama.cpp's.
const TOLERANCE: f64 = 0.005;
/// How far from that of exact arithmetic; llama.cpp's own lie up to 0.7 % from it.
const EXACT_TOLERANCE: f64 = 0.01;
/// Two right kernels round differently: by how much more than llama.cpp's the engine's rounding may show.
const ROUNDING: f64 = 1.25;

/// Tokens that are computed alone, from an empty cache; all of them but the first are judged.
#[derive(Deserialize)]
struct Window {
    ids: Vec<u32>,
    /// llama.cpp's, natural logarithms.
    log_probabilities: Vec<f64>,
    /// The same of the same weights in f32: nothing is rounded on the way but the cache, to f16.
    exact_log_probabilities: Vec<f64>,
}

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/perplexity")
}

fn load(weights: &str) -> Engine {
    support::load(
        weights,
        &EngineOptions {
            threads: available_parallelism().map_or(1, NonZero::get),
            spawn: engine::spawn_thread,
            context_length: Some(512),
            cache_tokens: None,
            gpu: None,
        },
    )
}

fn perplexity(log_probabilities: &[f64]) -> f64 {
    let sum: f64 = log_probabilities.iter().sum();
    (-sum / log_probabilities.len() as f64).exp()
}

fn root_mean_square_difference(one: &[f64], other: &[f64]) -> f64 {
    let pairs = one.iter().zip(other);
    let squares: f64 = pairs.map(|(one, other)| (one - other).powi(2)).sum();
    (squares / one.len() as f64).sqrt()
}

/// Two engines at once would only wait for each other's threads.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Compares with exact arithmetic, and returns how many times llama.cpp's perplexity the engine's is.
fn ratio_to_llama_cpp(golden: &str, weights: &str) -> f64 {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let text = std::fs::read_to_string(goldens().join("text.txt")).unwrap();
    let hint = "scripts/make-golden.sh perplexity makes it";
    let windows: Vec<Window> =
        serde_json::from_reader(support::open(&goldens().join(golden), hint)).unwrap();
    let mut engine = load(weights);
    let ids: Vec<&[u32]> = windows.iter().map(|window| &window.ids[..]).collect();
    assert_eq!(engine.tokenize(&text).unwrap(), ids.concat());

    let (mut ours, mut theirs, mut exact) = (Vec::new(), Vec::new(), Vec::new());
    for window in &windows {
        let scores = engine.score(&window.ids, 1).unwrap();
        ours.extend(scores.iter().map(|score| f64::from(score.log_probability)));
        theirs.extend(&window.log_probabilities);
        exact.extend(&window.exact_log_probabilities);
    }
    assert_eq!([ours.len(), ours.len()], [theirs.len(), exact.len()]);
    assert!(ours.len() >= 4000, "{} tokens are too few", ours.len());

    let to_exact = perplexity(&ours) / perplexity(&exact);
    let to_theirs = perplexity(&ours) / perplexity(&theirs);
    let our_rounding = root_mean_square_difference(&ours, &exact);
    let their_rounding = root_mean_square_difference(&theirs, &exact);
    println!(
        "{weights}, {} tokens: perplexity {:.4}, {to_theirs:.5} times llama.cpp's, {to_exact:.5} times the exact \
         one; a token's log probability is off by {our_rounding:.4}, llama.cpp's by {their_rounding:.4} (root \
         mean square)",
        ours.len(),
        perplexity(&ours),
    );
    assert!(
        (to_exact - 1.0).abs() < EXACT_TOLERANCE,
        "perplexity is {to_exact} times that of exact arithmetic"
    );
    assert!(
        our_rounding < ROUNDING * their_rounding,
        "log probabilities are off by {our_rounding}, llama.cpp's by {their_rounding}"
    );
    to_theirs
}

#[test]
fn qwen_is_as_surprised_as_in_llama_cpp() {
    let ratio = ratio_to_llama_cpp(
        "qwen2.5-coder-0.5b.json",
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    );
    assert!((ratio - 1.0).abs() < TOLERANCE, "{ratio}");
}

#[test]
fn smollm_is_as_surprised_as_in_llama_cpp() {
    let ratio = ratio_to_llama_cpp("smollm2-135m.json", "smollm2-135m-instruct-q4_1.gguf");
    assert!((ratio - 1.0).abs() < TOLERANCE, "{ratio}");
}

#[test]
#[ignore = "takes minutes and 1.1 GB: scripts/fetch-model.sh qwen2.5-coder:1.5b, then `-- --ignored`"]
fn the_larger_qwen_is_as_surprised_as_in_llama_cpp() {
    let ratio = ratio_to_llama_cpp(
        "qwen2.5-coder-1.5b.json",
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    );
    // Known to fail, at 0.6 % below: llama.cpp's own rounding raises its perplexity by 0.7 % here.
    assert!((ratio - 1.0).abs() < TOLERANCE, "{ratio}");
}
