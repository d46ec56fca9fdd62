//! Judging answers with the model that gave them, and with answers that it never gave.

#[path = "support/audits.rs"]
mod audits;
mod support;

use audits::{greedy, input, judge, load, mean, usual};
use engine::{Audit, AuditRequest, Begun, Engine, FinishReason, Request, Sampling, Step};

const QUESTION: &str = "<|im_start|>user\nName three colours of the rainbow.<|im_end|>\n\
                        <|im_start|>assistant\n";

/// The engine's own answer, as it would be audited.
fn answer(engine: &mut Engine, sampling: &Sampling) -> AuditRequest {
    let request = Request {
        input: input(QUESTION),
        begun: Begun::default(),
        sampling: sampling.clone(),
    };
    let mut answered = AuditRequest {
        input: request.input.clone(),
        sampling: request.sampling.clone(),
        answer: String::new(),
        token_ids: Vec::new(),
        finish_reason: None,
        context_length: Some(engine.info().context_length),
        seeded: false,
    };
    for step in engine.start(&request).unwrap() {
        match step.unwrap() {
            Step::Prefilled { .. } => {}
            Step::Text { text, token_id } => {
                answered.answer += &text;
                answered.token_ids.push(token_id);
            }
            Step::Finished { text, reason } => {
                answered.answer += &text;
                answered.finish_reason = Some(reason);
            }
        }
    }
    assert!(answered.token_ids.len() > 4, "{}", answered.answer);
    answered
}

#[test]
fn its_own_answers_are_what_sampling_allows() {
    let mut engine = load();
    for sampling in [greedy(), usual()] {
        let answered = answer(&mut engine, &sampling);
        let ended = answered.finish_reason == Some(FinishReason::Stop);
        let tokens = answered.token_ids.len() + usize::from(ended);
        let judgements = judge(&mut engine, answered);
        assert_eq!(judgements.len(), tokens);
        // Token by token and all at once round a little differently.
        assert!(mean(&judgements) < 0.02, "{judgements:?}");
    }
    let mut sampled = answer(&mut engine, &usual());
    sampled.sampling = greedy();
    let judgements = judge(&mut engine, sampled);
    assert!(
        mean(&judgements) > 0.1,
        "what greedy would not have said: {judgements:?}"
    );
}

#[test]
fn what_was_drawn_with_a_known_seed_is_found_again() {
    let mut engine = load();
    // Nothing is impossible with the second, and all of it is in the order of ids.
    let open = Sampling {
        temperature: 1.2,
        top_k: 0,
        top_p: 1.0,
        repeat_penalty: 1.0,
        ..usual()
    };
    for sampling in [usual(), open] {
        let honest = AuditRequest {
            seeded: true,
            ..answer(&mut engine, &sampling)
        };
        let judged = judge(&mut engine, honest.clone());
        assert!(mean(&judged) < 0.005, "{judged:?}");
        let mut other_seed = honest.clone();
        other_seed.sampling.seed = 12;
        let judged = judge(&mut engine, other_seed);
        assert!(mean(&judged) > 0.05, "{judged:?}");
        let other_text = AuditRequest {
            answer: "Please contact the seller for the delivery terms.".into(),
            ..honest
        };
        let judged = judge(&mut engine, other_text);
        assert!(mean(&judged) > 0.05, "{judged:?}");
    }
}

#[test]
fn who_goes_on_draws_on_with_the_same_seed() {
    let mut engine = load();
    let whole = answer(&mut engine, &usual());
    let (first, rest) = whole.token_ids.split_at(whole.token_ids.len() / 2);
    let first_text = answer(
        &mut engine,
        &Sampling {
            max_tokens: Some(first.len()),
            ..usual()
        },
    );
    let request = Request {
        input: whole.input.clone(),
        begun: Begun {
            text: first_text.answer,
            token_ids: first.to_vec(),
        },
        sampling: usual(),
    };
    let told = |step: Result<Step, _>| match step.unwrap() {
        Step::Text { token_id, .. } => Some(token_id),
        _ => None,
    };
    let gone_on: Vec<u32> = engine.start(&request).unwrap().filter_map(told).collect();
    let same = gone_on.iter().zip(rest).take_while(|(a, b)| a == b).count();
    assert!(same > rest.len() / 2, "{same} of {}", rest.len());
}

#[test]
fn a_prompt_between_two_steps_changes_nothing() {
    let mut engine = load();
    let answered = answer(&mut engine, &usual());
    let undisturbed = judge(&mut engine, answered.clone());
    let mut audit = Audit::new(answered);
    while !audit.step(&mut engine, 5).unwrap() {
        let other = Request {
            input: input("Once upon a time "),
            begun: Begun::default(),
            sampling: Sampling::greedy(Some(2)),
        };
        assert!(engine.start(&other).unwrap().count() > 2);
    }
    let disturbed = audit.into_judgements();
    assert_eq!(disturbed.len(), undisturbed.len());
    for (a, b) in undisturbed.iter().zip(&disturbed) {
        assert!((a.logit_margin - b.logit_margin).abs() < 0.5, "{a:?} {b:?}");
    }
}

#[test]
fn text_that_the_model_would_not_have_said_lies_far_below() {
    let mut engine = load();
    let canned = |token_ids, finish_reason| AuditRequest {
        input: input(QUESTION),
        sampling: usual(),
        answer: "Please contact the seller for the delivery terms of bicycle pumps.".into(),
        token_ids,
        finish_reason,
        context_length: None,
        seeded: false,
    };
    let judgements = judge(&mut engine, canned(Vec::new(), None));
    assert!(mean(&judgements) > 1.0, "{judgements:?}");
    // Ids that make another text are a lie: what the reader got counts.
    let honest = answer(&mut engine, &usual());
    assert_eq!(
        judge(&mut engine, canned(honest.token_ids, None)),
        judgements
    );
    // So do ids that are none.
    assert_eq!(judge(&mut engine, canned(vec![u32::MAX], None)), judgements);
    let ended = judge(&mut engine, canned(Vec::new(), Some(FinishReason::Stop)));
    assert_eq!(ended.len(), judgements.len() + 1);
}

#[test]
fn no_answer_at_all_is_judged_by_its_end() {
    let mut engine = load();
    let silence = AuditRequest {
        answer: String::new(),
        token_ids: Vec::new(),
        finish_reason: Some(FinishReason::Stop),
        ..answer(&mut engine, &usual())
    };
    let judgements = judge(&mut engine, silence);
    assert_eq!(judgements.len(), 1);
    assert!(judgements[0].sampling_margin > 2.0, "{judgements:?}");
}

/// The answer's beginning, said to be all that a limit allows.
fn cut(whole: &AuditRequest, tokens: usize, engine: &mut Engine) -> AuditRequest {
    let text = Sampling {
        max_tokens: Some(tokens),
        ..whole.sampling.clone()
    };
    AuditRequest {
        finish_reason: Some(FinishReason::Length),
        sampling: whole.sampling.clone(),
        ..answer(engine, &text)
    }
}

#[test]
fn a_limit_that_was_not_reached_ended_no_answer() {
    let mut engine = load();
    let whole = answer(&mut engine, &greedy());
    let early = cut(&whole, 8, &mut engine);
    let judged = judge(&mut engine, early.clone());
    assert_eq!(judged.len(), early.token_ids.len() + 1, "with its end");
    assert!(judged.last().unwrap().sampling_margin > 2.0, "{judged:?}");
    let untold = AuditRequest {
        token_ids: Vec::new(),
        ..early.clone()
    };
    let judged = judge(&mut engine, untold);
    assert!(judged.last().unwrap().sampling_margin > 2.0, "{judged:?}");

    let broken_off = AuditRequest {
        finish_reason: None,
        ..early.clone()
    };
    let by_its_limit = AuditRequest {
        sampling: Sampling {
            max_tokens: Some(8),
            ..greedy()
        },
        ..early.clone()
    };
    let by_its_context = AuditRequest {
        context_length: Some(32),
        ..early.clone()
    };
    for honest in [broken_off, by_its_limit, by_its_context] {
        let judged = judge(&mut engine, honest);
        assert_eq!(judged.len(), early.token_ids.len());
        assert!(mean(&judged) < 0.02, "{judged:?}");
    }
}

#[test]
fn a_short_answer_without_ids_is_judged_also_where_a_string_may_have_ended_it() {
    let mut engine = load();
    let canned = AuditRequest {
        sampling: Sampling {
            stop: vec!["@".to_owned()],
            ..usual()
        },
        answer: "bicycle pumps".into(),
        token_ids: Vec::new(),
        ..answer(&mut engine, &usual())
    };
    let judgements = judge(&mut engine, canned);
    assert!(mean(&judgements) > 1.0, "{judgements:?}");
}

#[test]
fn what_an_answer_held_back_before_a_stop_string_is_still_its_own() {
    let mut engine = load();
    let whole = answer(&mut engine, &greedy());
    let letters: Vec<char> = whole.answer.chars().collect();
    // Far enough behind some tokens, whatever the answer is.
    let stop: String = letters
        .windows(4)
        .skip(32)
        .map(|letters| letters.iter().collect())
        .find(|stop: &String| whole.answer.find(stop) >= Some(32))
        .unwrap();
    let stopped = answer(
        &mut engine,
        &Sampling {
            stop: vec![stop],
            ..greedy()
        },
    );
    assert!(stopped.answer.len() < whole.answer.len());
    let tokens = stopped.token_ids.len();
    let judgements = judge(&mut engine, stopped);
    assert_eq!(judgements.len(), tokens, "its end is the stop string's");
    assert!(mean(&judgements) < 0.02);
}

#[test]
fn of_an_answer_that_no_context_holds_the_beginning_is_judged() {
    let mut engine = load();
    let long = |question: &str| AuditRequest {
        input: input(question),
        sampling: greedy(),
        answer: "colour ".repeat(600),
        token_ids: Vec::new(),
        finish_reason: Some(FinishReason::Stop),
        context_length: None,
        seeded: false,
    };
    let judgements = judge(&mut engine, long(QUESTION));
    assert!((400..512).contains(&judgements.len()));
    let mut audit = Audit::new(long(&QUESTION.repeat(40)));
    assert!(audit.step(&mut engine, 64).is_err(), "nothing of it fits");
}
