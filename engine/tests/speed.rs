//! Measuring, with a clock that the test holds: a second passes with every look at it.

mod support;

use std::time::Duration;

use engine::{
    Begun, Engine, EngineError, EngineOptions, Input, Measurement, Message, Request, Sampling, Step,
};

fn load(context_length: usize) -> Engine {
    support::load(
        "smollm2-135m-instruct-q4_1.gguf",
        &EngineOptions {
            threads: 2,
            spawn: engine::spawn_thread,
            context_length: Some(context_length),
            cache_tokens: None,
            gpu: None,
        },
    )
}

fn seconds() -> impl FnMut() -> Duration {
    let mut looks = 0;
    move || {
        looks += 1;
        Duration::from_secs(looks)
    }
}

fn measurement(prompt: Vec<u32>, decode_tokens: usize, keep_cache: bool) -> Measurement {
    Measurement {
        prompt,
        decode_tokens,
        keep_cache,
    }
}

#[test]
fn a_prompt_of_exactly_so_many_tokens_is_timed_step_by_step() {
    let mut engine = load(512);
    let prompt = engine.repeated(300).unwrap();
    let speed = engine
        .measure(&measurement(prompt, 7, false), seconds())
        .unwrap();
    assert_eq!(
        (
            speed.prompt_tokens,
            speed.cached_tokens,
            speed.decoded_tokens
        ),
        (300, 0, 7)
    );
    // 256 tokens and 44, then the first of eight tokens.
    assert_eq!(speed.prefill, Duration::from_secs(2));
    assert_eq!(speed.first_token, Duration::from_secs(3));
    assert_eq!(speed.decode, Duration::from_secs(7));
    assert_eq!(speed.answer.len(), 8);
}

#[test]
fn an_answer_goes_on_where_the_model_would_end_it() {
    let mut engine = load(512);
    let message = Message {
        role: "user".into(),
        content: "Say hello.".into(),
        tool_calls: Vec::new(),
    };
    let input = Input::Chat {
        messages: vec![message],
        tools: Vec::new(),
        prefill: String::new(),
    };
    let prompt = engine.tokenize(&engine.render(&input).unwrap()).unwrap();
    let sampling = Sampling::greedy(None);
    let session = engine
        .start(&Request {
            input,
            begun: Begun::default(),
            sampling,
        })
        .unwrap();
    let ended: Vec<u32> = session
        .filter_map(|step| match step.unwrap() {
            Step::Text { token_id, .. } => Some(token_id),
            Step::Prefilled { .. } | Step::Finished { .. } => None,
        })
        .collect();
    let longer = ended.len() + 20;
    let speed = engine
        .measure(&measurement(prompt, longer, false), seconds())
        .unwrap();
    assert_eq!(speed.decoded_tokens, longer);
    assert_eq!(speed.answer[..ended.len()], ended);
}

#[test]
fn a_kept_cache_saves_what_the_answer_before_has_computed_and_a_fresh_one_nothing() {
    let mut engine = load(512);
    let first = engine.repeated(100).unwrap();
    let answer = engine
        .measure(&measurement(first.clone(), 10, false), seconds())
        .unwrap()
        .answer;
    let second = [first, answer, engine.tokenize(" And lakes?").unwrap()].concat();
    let mut second_turn = |keep_cache| {
        let measurement = measurement(second.clone(), 10, keep_cache);
        engine.measure(&measurement, seconds()).unwrap()
    };
    let kept = second_turn(true);
    let fresh = second_turn(false);
    // The answer's last token was chosen, and nothing was computed from it.
    assert_eq!((kept.cached_tokens, fresh.cached_tokens), (110, 0));
    assert_eq!(kept.answer, fresh.answer);
}

#[test]
fn what_the_context_does_not_hold_or_the_model_does_not_know_is_not_measured() {
    let mut engine = load(64);
    let mut refusal = |prompt, decode_tokens| {
        let measurement = measurement(prompt, decode_tokens, false);
        match engine.measure(&measurement, seconds()) {
            Err(EngineError::InvalidRequest(message)) => message,
            other => panic!("{other:?}"),
        }
    };
    let too_long = refusal(vec![1; 60], 4);
    assert!(
        too_long.contains("60") && too_long.contains("64"),
        "{too_long}"
    );
    refusal(vec![1; 60], usize::MAX);
    refusal(Vec::new(), 4);
    assert!(refusal(vec![u32::MAX], 4).contains(&u32::MAX.to_string()));
    let fits = measurement(vec![1; 60], 3, false);
    assert_eq!(engine.measure(&fits, seconds()).unwrap().decoded_tokens, 3);
}
