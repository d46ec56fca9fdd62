//! What tests of whole answers have in common.

use engine::{Begun, Engine, EngineOptions, Input, Message, Request, Sampling, Step};

use crate::support;

pub(crate) const QWEN: (&str, &str) = (
    "qwen2.5-coder-0.5b",
    "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
);
pub(crate) const SMOLLM: (&str, &str) = ("smollm2-135m", "smollm2-135m-instruct-q4_1.gguf");

pub(crate) fn load(model: (&str, &str), context_length: Option<usize>) -> Engine {
    load_with_cache(model, context_length, None)
}

pub(crate) fn load_with_cache(
    model: (&str, &str),
    context_length: Option<usize>,
    cache_tokens: Option<usize>,
) -> Engine {
    support::load(
        model.1,
        &EngineOptions {
            threads: 2,
            spawn: engine::spawn_thread,
            context_length,
            cache_tokens,
            gpu: None,
        },
    )
}

pub(crate) fn greedy() -> Sampling {
    Sampling::greedy(Some(96))
}

pub(crate) fn chat<'a>(messages: impl IntoIterator<Item = (&'a str, &'a str)>) -> Input {
    let message = |(role, content): (&str, &str)| Message {
        role: role.into(),
        content: content.into(),
        tool_calls: Vec::new(),
    };
    Input::Chat {
        messages: messages.into_iter().map(message).collect(),
        tools: Vec::new(),
        prefill: String::new(),
    }
}

pub(crate) fn request(input: Input, sampling: Sampling) -> Request {
    Request {
        input,
        begun: Begun::default(),
        sampling,
    }
}

/// The answer's ids and text, and its usage.
pub(crate) fn answer(
    engine: &mut Engine,
    input: Input,
    sampling: Sampling,
) -> (Vec<u32>, String, engine::Usage) {
    run(engine, &request(input, sampling))
}

pub(crate) fn run(engine: &mut Engine, request: &Request) -> (Vec<u32>, String, engine::Usage) {
    let mut session = engine.start(request).unwrap();
    let (mut ids, mut answer) = (Vec::new(), String::new());
    for step in session.by_ref() {
        match step.unwrap() {
            Step::Prefilled { .. } => {}
            Step::Text { text, token_id } => {
                ids.push(token_id);
                answer.push_str(&text);
            }
            Step::Finished { text, .. } => answer.push_str(&text),
        }
    }
    let usage = session.usage();
    (ids, answer, usage)
}
