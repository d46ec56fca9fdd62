//! What the page of `e2e/kernels.test.ts` calls. A test that fails ends the page's WebAssembly.

use std::io::Cursor;

use serde::Deserialize;
use wasm_bindgen::prelude::*;

use super::Test;
use crate::gpu::prefill::tests::{attention, layer, products};
use crate::gpu::{Gpu, decode, sampling};
use crate::{Engine, EngineOptions, spawn_thread};

fn tests() -> impl Iterator<Item = &'static Test> {
    [
        decode::tests::TESTS,
        sampling::tests::TESTS,
        products::TESTS,
        attention::TESTS,
        layer::TESTS,
    ]
    .into_iter()
    .flatten()
}

#[wasm_bindgen]
pub fn gpu_tests() -> Vec<String> {
    tests().map(|test| test.name.to_owned()).collect()
}

#[wasm_bindgen]
pub async fn run_gpu_test(name: String) {
    say_why();
    let test = tests().find(|test| test.name == name);
    super::ask_for_gpu().await;
    (test.expect("a name out of the list").run)().await;
}

/// A panic's words as a JavaScript error: there is nowhere else to write them.
fn say_why() {
    std::panic::set_hook(Box::new(|panic| {
        wasm_bindgen::throw_str(&panic.to_string())
    }));
}

#[derive(Deserialize)]
struct Greedy {
    prompt_ids: Vec<u32>,
    answer_ids: Vec<u32>,
}

/// How many positions of the first `answers` golden answers there are, and at how many of them the model on
/// the GPU finds the same token likeliest.
#[wasm_bindgen]
pub async fn agreement(model: Vec<u8>, goldens: String, answers: usize) -> Vec<u32> {
    say_why();
    let goldens: Vec<Greedy> = serde_json::from_str(&goldens).unwrap();
    let options = EngineOptions {
        threads: 1,
        spawn: spawn_thread,
        context_length: Some(512),
        cache_tokens: None,
        gpu: Some(Gpu::request().await.unwrap()),
    };
    let model = &mut Cursor::new(model);
    let mut engine = Engine::load_async(model, &options, &mut |_| ())
        .await
        .unwrap();
    let (mut positions, mut agreeing) = (0, 0);
    for golden in &goldens[..answers] {
        let tokens = [golden.prompt_ids.as_slice(), &golden.answer_ids].concat();
        let scores = engine
            .score_async(&tokens, golden.prompt_ids.len())
            .await
            .unwrap();
        positions += scores.len();
        let pairs = scores.iter().zip(&golden.answer_ids);
        agreeing += pairs.filter(|(score, id)| score.likeliest == **id).count();
    }
    vec![positions as u32, agreeing as u32]
}
