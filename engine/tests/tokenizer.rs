//! What the header of a model's file tells alone, without the weights.

mod support;

use std::io::{Cursor, Read};
use std::path::Path;

use engine::{Engine, EngineError, ModelHead, Tokenizer};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<u32>,
}

fn head(model: &str, bytes: u64) -> Cursor<Vec<u8>> {
    let mut head = Vec::new();
    let mut file = support::weights(model).take(bytes);
    file.read_to_end(&mut head).unwrap();
    Cursor::new(head)
}

fn agrees_with_reference(model: &str, goldens: &str, header_bytes: u64) {
    let tokenizer = Tokenizer::load(&mut head(model, header_bytes)).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let file = support::open(&path.join(goldens), "scripts/make-golden.sh makes it");
    let goldens: Vec<Golden> = serde_json::from_reader(file).unwrap();
    assert!(goldens.len() >= 10);
    for Golden { text, ids } in goldens {
        assert_eq!(
            tokenizer.encode(&text).unwrap(),
            ids,
            "token ids of {text:?}"
        );
        let bytes: Vec<u8> = ids
            .iter()
            .flat_map(|&id| tokenizer.bytes(id))
            .copied()
            .collect();
        assert_eq!(String::from_utf8(bytes).unwrap(), text);
    }
}

#[test]
fn six_megabytes_of_qwen_are_enough() {
    agrees_with_reference(
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        "qwen2.5-coder-0.5b/tokens.json",
        6_000_000,
    );
}

#[test]
fn two_megabytes_of_smollm2_are_enough() {
    agrees_with_reference(
        "smollm2-135m-instruct-q4_1.gguf",
        "smollm2-135m/tokens.json",
        2_000_000,
    );
}

#[test]
fn less_than_the_header_is_an_error() {
    let found = Tokenizer::load(&mut head("smollm2-135m-instruct-q4_1.gguf", 1_000_000));
    assert!(matches!(found, Err(EngineError::InvalidModel(_))));
}

#[test]
fn a_header_tells_what_a_model_is() {
    let found = Engine::inspect(&mut head("smollm2-135m-instruct-q4_1.gguf", 2_000_000));
    let expected = ModelHead {
        quantisation: "Q4_1".into(),
        parameters: 134_515_008,
        trained_context: 8192,
    };
    assert_eq!(found.unwrap(), expected);
}
