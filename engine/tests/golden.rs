//! The engine against an independent implementation: files that `scripts/make-golden.sh` made with
//! llama.cpp from the same weights.

#[path = "support/answers.rs"]
mod answers;
mod support;

use std::path::Path;

use answers::{QWEN, SMOLLM, answer, chat, greedy, load};
use engine::Sampling;
use serde::Deserialize;

#[derive(Deserialize)]
struct Tokens {
    text: String,
    ids: Vec<u32>,
}

#[derive(Deserialize)]
struct Greedy {
    messages: Vec<GoldenMessage>,
    prompt: String,
    prompt_ids: Vec<u32>,
    answer_ids: Vec<u32>,
}

#[derive(Deserialize)]
struct GoldenMessage {
    role: String,
    content: String,
}

fn golden<T: for<'a> Deserialize<'a>>(model: (&str, &str), name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(model.0)
        .join(name);
    serde_json::from_reader(support::open(&path, "scripts/make-golden.sh makes it")).unwrap()
}

fn agrees_with_reference(model: (&str, &str)) {
    let mut engine = load(model, Some(4096));

    for Tokens { text, ids } in golden::<Tokens>(model, "tokens.json") {
        assert_eq!(
            engine.tokenize(&text).unwrap(),
            ids,
            "token ids of {text:?}"
        );
    }

    let goldens = golden::<Greedy>(model, "greedy.json");
    assert!(goldens.len() >= 10);
    let (mut positions, mut agreeing, mut same_start) = (0, 0, 0);
    for golden in &goldens {
        let input =
            chat((golden.messages.iter()).map(|message| (&*message.role, &*message.content)));
        assert_eq!(engine.render(&input).unwrap(), golden.prompt);
        assert_eq!(engine.tokenize(&golden.prompt).unwrap(), golden.prompt_ids);

        let tokens = [golden.prompt_ids.as_slice(), &golden.answer_ids].concat();
        let scores = engine.score(&tokens, golden.prompt_ids.len()).unwrap();
        assert_eq!(scores.len(), golden.answer_ids.len());
        positions += scores.len();
        agreeing += scores
            .iter()
            .zip(&golden.answer_ids)
            .filter(|(score, id)| score.likeliest == **id)
            .count();

        let first_48 = Sampling {
            max_tokens: Some(48),
            ..greedy()
        };
        let (ids, ..) = answer(&mut engine, input, first_48);
        same_start += usize::from(ids == golden.answer_ids[..48]);
    }
    println!(
        "{}: argmax agrees at {agreeing} of {positions} positions; {same_start} of {} answers \
         agree for 48 tokens",
        model.0,
        goldens.len()
    );
    assert!(
        agreeing * 100 >= positions * 98,
        "{agreeing} of {positions} positions agree"
    );
    assert!(
        same_start * 10 >= goldens.len() * 8,
        "{same_start} of {} agree",
        goldens.len()
    );
}

#[test]
fn qwen_agrees_with_llama_cpp() {
    agrees_with_reference(QWEN);
}

#[test]
fn smollm_agrees_with_llama_cpp() {
    agrees_with_reference(SMOLLM);
}
