//! Answers as sessions give them: step by step, with what earlier ones left in the cache, given up, gone on with,
//! and refused.

#[path = "support/answers.rs"]
mod answers;
mod support;

use answers::{QWEN, SMOLLM, answer, chat, greedy, load, load_with_cache, request, run};
use engine::{Begun, Engine, EngineError, EngineOptions, Input, Message, Sampling, Step};

fn question(text: &str) -> Input {
    chat([("user", text)])
}

#[test]
fn a_second_turn_computes_only_what_is_new_and_answers_the_same() {
    let mut engine = load(SMOLLM, Some(2048));
    let first = question("Name three rivers of Finland and say one sentence about each of them.");
    let (_, text, usage) = answer(&mut engine, first, greedy());
    assert_eq!(usage.cached_tokens, 0);

    let turns = [
        "Name three rivers of Finland and say one sentence about each of them.",
        &text,
        "And lakes?",
    ];
    let roles = ["user", "assistant", "user"];
    let messages: Vec<(&str, &str)> = roles.into_iter().zip(turns).collect();
    let (warm, _, warm_usage) = answer(&mut engine, chat(messages.clone()), greedy());
    assert!(
        warm_usage.cached_tokens > usage.prompt_tokens,
        "{warm_usage:?}"
    );

    let (cold, _, cold_usage) = answer(
        &mut load(SMOLLM, Some(2048)),
        chat(messages.clone()),
        greedy(),
    );
    assert_eq!(cold_usage.cached_tokens, 0);
    assert_eq!(warm, cold);
}

#[test]
fn two_conversations_by_turns_are_both_in_the_cache_and_answer_the_same() {
    let rivers = "Name three rivers of Finland and say one sentence about each of them.";
    let bread = "How is rye bread baked? Answer step by step, in full sentences, please.";
    let turns = |first: &str, answer: &str, next: &str| {
        let roles = ["user", "assistant", "user"];
        let turns = roles.into_iter().zip([first, answer, next]);
        chat(turns)
    };
    // What a forgetful engine computes: with room for no more than one of them.
    let cold = |input| answer(&mut load(SMOLLM, Some(256)), input, greedy()).0;

    let mut engine = load_with_cache(SMOLLM, Some(256), Some(512));
    let (_, first, about_rivers) = answer(&mut engine, question(rivers), greedy());
    let (_, second, about_bread) = answer(&mut engine, question(bread), greedy());
    for (asked, answered, next, before) in [
        (rivers, &first, "And lakes?", about_rivers),
        (bread, &second, "And oats?", about_bread),
    ] {
        let next = turns(asked, answered, next);
        let (ids, _, usage) = answer(&mut engine, next.clone(), greedy());
        assert!(usage.cached_tokens > before.prompt_tokens, "{usage:?}");
        assert_eq!(ids, cold(next));
    }
}

#[test]
fn an_aborted_prefill_and_an_aborted_answer_leave_the_engine_usable() {
    let mut engine = load(SMOLLM, Some(2048));
    let expected = answer(&mut engine, question("What is a spark?"), greedy()).0;
    let long = request(question(&"spark ".repeat(900)), greedy());
    let first = engine.start(&long).unwrap().next().unwrap().unwrap();
    assert!(
        matches!(first, Step::Prefilled { done, total } if done < total),
        "{first:?}"
    );
    let short = request(question("Count to ten."), greedy());
    assert_eq!(engine.start(&short).unwrap().take(6).count(), 6);
    assert_eq!(
        answer(&mut engine, question("What is a spark?"), greedy()).0,
        expected
    );
}

#[test]
fn a_prompt_in_small_steps_has_the_same_answer() {
    let mut engine = load(SMOLLM, Some(1024));
    let asked = request(question(&"Sparks fly. ".repeat(90)), greedy());
    let (ids, _, whole) = run(&mut engine, &asked);
    for tokens in [1, 16, 60, 256] {
        let mut engine = load(SMOLLM, Some(1024));
        // Another one's is given up, within a chunk where steps are small: nothing of it may be gone on with.
        let other = request(question(&"Rivers run. ".repeat(90)), greedy());
        let mut session = engine.start(&other).unwrap();
        session.set_step(tokens);
        session.next().unwrap().unwrap();
        let mut session = engine.start(&asked).unwrap();
        session.set_step(tokens);
        let (mut steps, mut before, mut answer) = (0, 0, Vec::new());
        for step in session.by_ref() {
            match step.unwrap() {
                Step::Prefilled { done, total } => {
                    assert!(before <= done && done <= total && total == whole.prompt_tokens);
                    (steps, before) = (steps + 1, done);
                }
                Step::Text { token_id, .. } => answer.push(token_id),
                Step::Finished { .. } => {}
            }
        }
        assert_eq!(answer, ids, "{tokens} tokens a step");
        // The least is one of 30 layers for 256 tokens: the work of nine.
        let least = whole.prompt_tokens / tokens.max(9);
        assert!(steps >= least, "{steps} steps of {tokens} tokens");
    }
}

#[test]
fn an_answer_that_another_began_goes_on_to_the_same_end() {
    let mut engine = load(SMOLLM, Some(1024));
    let input = question("Count from one to twenty, and say hei 🔥 after it.");
    let sampling = Sampling {
        stop: vec!["ten".into()],
        ..Sampling::greedy(Some(48))
    };
    let (ids, text, usage) = answer(&mut engine, input.clone(), sampling.clone());
    for cut in (1..ids.len()).step_by(13) {
        let mut first = request(input.clone(), sampling.clone());
        first.sampling.max_tokens = Some(cut);
        let shown: String = engine
            .start(&first)
            .unwrap()
            .filter_map(|step| match step.unwrap() {
                // What is held back at the cut is lost with the node.
                Step::Text { text, .. } => Some(text),
                Step::Prefilled { .. } | Step::Finished { .. } => None,
            })
            .collect();
        let mut second = request(input.clone(), sampling.clone());
        second.begun = Begun {
            text: shown.clone(),
            token_ids: ids[..cut].to_vec(),
        };
        second.sampling.max_tokens = sampling.max_tokens.map(|most| most - cut);
        let (rest_ids, rest, rest_usage) = run(&mut engine, &second);
        assert_eq!(shown + &rest, text, "cut after {cut} tokens");
        assert_eq!(rest_ids, ids[cut..], "cut after {cut} tokens");
        assert_eq!(rest_usage.prompt_tokens, usage.prompt_tokens + cut);
    }
}

#[test]
fn ids_that_do_not_come_to_the_text_are_not_believed() {
    let mut engine = load(SMOLLM, Some(1024));
    let input = question("Count from one to twenty.");
    let mut by_text = request(input.clone(), greedy());
    by_text.begun.text = "One, two,".into();
    let expected = run(&mut engine, &by_text).1;
    for token_ids in [vec![1, 2, 3], vec![u32::MAX], vec![0; 5000]] {
        let mut lied_to = by_text.clone();
        lied_to.begun.token_ids = token_ids;
        assert_eq!(run(&mut engine, &lied_to).1, expected);
    }
}

#[test]
fn a_prompt_that_does_not_fit_is_refused_with_both_numbers() {
    let mut engine = load(SMOLLM, Some(64));
    let request = request(question(&"spark ".repeat(100)), greedy());
    let error = engine.start(&request).err().unwrap();
    let EngineError::ContextLengthExceeded {
        prompt_tokens,
        context_length: 64,
    } = error
    else {
        panic!("{error}");
    };
    assert!(prompt_tokens > 100);
    let message = error.to_string();
    assert!(
        message.contains(&prompt_tokens.to_string()) && message.contains("64"),
        "{message}"
    );
}

#[test]
fn the_answer_ends_where_the_context_does() {
    let mut engine = load(SMOLLM, Some(64));
    let input = question("Tell me a long story.");
    let sampling = Sampling {
        max_tokens: None,
        ..greedy()
    };
    let (ids, _, usage) = answer(&mut engine, input, sampling);
    assert_eq!(usage.prompt_tokens + ids.len(), 64);
}

#[test]
fn stop_strings_prefill_and_seeds_shape_the_answer() {
    let mut engine = load(SMOLLM, Some(1024));
    let counting = |prefill: &str| Input::Chat {
        messages: vec![Message {
            role: "user".into(),
            content: "Count from one to nine in digits, separated by commas.".into(),
            tool_calls: Vec::new(),
        }],
        tools: Vec::new(),
        prefill: prefill.into(),
    };
    let sampling = Sampling {
        stop: vec![", 7".into()],
        ..greedy()
    };
    let (_, text, _) = answer(&mut engine, counting("1, 2, 3,"), sampling);
    assert!(
        text.trim_start().starts_with('4'),
        "the prefill is continued: {text:?}"
    );
    assert!(
        text.ends_with('6'),
        "nothing of the stop string is shown: {text:?}"
    );

    let seeded = |seed| Sampling {
        temperature: 1.0,
        seed,
        max_tokens: Some(24),
        ..greedy()
    };
    let first = answer(&mut engine, question("Tell me a story."), seeded(1)).0;
    assert_eq!(
        answer(&mut engine, question("Tell me a story."), seeded(1)).0,
        first
    );
    assert_ne!(
        answer(&mut engine, question("Tell me a story."), seeded(2)).0,
        first
    );
}

#[test]
fn code_is_filled_in_between_prefix_and_suffix() {
    let mut engine = load(QWEN, Some(512));
    let input = Input::Raw {
        prompt: "def add(a, b):\n    return ".into(),
        suffix: Some("\n\nprint(add(1, 2))\n".into()),
    };
    let (ids, text, _) = answer(
        &mut engine,
        input,
        Sampling {
            max_tokens: Some(16),
            ..greedy()
        },
    );
    assert!(text.starts_with("a + b\n"), "{text:?}");
    assert!(ids.len() < 16, "the answer ends by itself: {ids:?}");
}

#[test]
fn what_is_no_model_is_refused_with_a_reason() {
    let load = |bytes: &[u8]| {
        let options = EngineOptions {
            threads: 1,
            spawn: engine::spawn_thread,
            context_length: None,
            cache_tokens: None,
            gpu: None,
        };
        Engine::load(&mut std::io::Cursor::new(bytes), &options, &mut |_| ())
            .err()
            .unwrap()
    };
    assert!(matches!(load(b""), EngineError::InvalidModel(_)));
    assert!(matches!(
        load(b"<html>404</html>"),
        EngineError::InvalidModel(_)
    ));
    let mut cut = vec![0; 20 << 20];
    std::io::Read::read_exact(&mut support::weights(SMOLLM.1), &mut cut).unwrap();
    let refused = load(&cut);
    assert!(
        matches!(&refused, EngineError::InvalidModel(why) if why.contains("behind the file's end")),
        "a file that was cut off: {refused}"
    );
}
