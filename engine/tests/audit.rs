//! Judging answers with the model that gave them, and with answers that it never gave.

mod support;

use engine::{
    Audit, AuditRequest, Begun, Engine, EngineOptions, FinishReason, Input, Judgement, Request,
    Sampling, Step, Tokenizer,
};

const QUESTION: &str = "<|im_start|>user\nName three colours of the rainbow.<|im_end|>\n\
                        <|im_start|>assistant\n";

fn load() -> Engine {
    support::load(
        "smollm2-135m-instruct-q4_1.gguf",
        &EngineOptions {
            threads: 2,
            spawn: engine::spawn_thread,
            context_length: Some(512),
            cache_tokens: None,
            gpu: None,
        },
    )
}

fn input(prompt: &str) -> Input {
    Input::Raw {
        prompt: prompt.into(),
        suffix: None,
    }
}

fn greedy() -> Sampling {
    Sampling::greedy(Some(48))
}

/// As Qwen's own defaults, which most prompts have.
fn usual() -> Sampling {
    Sampling {
        temperature: 0.7,
        top_k: 20,
        top_p: 0.8,
        repeat_penalty: 1.05,
        seed: 11,
        ..greedy()
    }
}

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

fn judge(engine: &mut Engine, request: AuditRequest) -> Vec<Judgement> {
    let mut audit = Audit::new(request);
    while !audit.step(engine, 64).unwrap() {}
    audit.into_judgements()
}

fn mean(judgements: &[Judgement]) -> f32 {
    let sum: f32 = judgements
        .iter()
        .map(|judged| judged.sampling_margin.min(4.0))
        .sum();
    sum / judgements.len() as f32
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
fn text_is_cut_where_the_model_would_have_cut_it() {
    let mut engine = load();
    let mut file = support::weights("smollm2-135m-instruct-q4_1.gguf");
    let tokenizer = Tokenizer::load(&mut file).unwrap();
    // Words that the model put together otherwise than a tokeniser does: it drew " c" and "rat", where that has " cr" and "at".
    let prompt = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n \
        let is_one_of = |among: &Vec<(NodeId, String)>| {\n            \
        let mut members = among.iter();\n            \
        members.any(|(member, its)| *member == node && its == model)\n        };\n        \
        !ensemble.asked.contains(&node) && among.is_none_or(is_one_of)\n    }\n\n    \
        pub(crate) fn note(&mut self, id: EnsembleId, node: NodeId) {\n        \
        if let Some(ensemble) = self.known.iter_mut().find(|known| known.id =\n\n\
        Which names in this text are the most important, and what do they mean?<|im_end|>\n\
        <|im_start|>assistant\n";
    let text = "This text contains several key names that are highly significant:\n\n1. \"isOneOf\"\n\
        2. \"detail\"\n3. \"crate\" (the type of the crony is crat)\n4. \"enemies";
    let of = |text: &str, token_ids| AuditRequest {
        input: input(prompt),
        sampling: usual(),
        answer: text.into(),
        token_ids,
        finish_reason: None,
        context_length: None,
        seeded: false,
    };
    let by_the_tokeniser = tokenizer.encode(text).unwrap();
    let told = judge(&mut engine, of(text, by_the_tokeniser.clone()));
    assert!(mean(&told) > 0.05, "{told:?}");
    let untold = judge(&mut engine, of(text, Vec::new()));
    assert!(mean(&untold) < 0.01, "{untold:?}");
    // It takes as many steps as it takes, however few tokens a step has.
    let mut audit = Audit::new(of(text, Vec::new()));
    while !audit.step(&mut engine, 3).unwrap() {}
    let slowly = audit.into_judgements();
    assert_eq!(slowly.len(), untold.len());
    assert!(mean(&slowly) < 0.01, "{slowly:?}");
    // No other cut makes sense of this, and it is judged to its end.
    let odd = text.replace("crat)", "lilac bicycles)");
    let odd = judge(&mut engine, of(&odd, Vec::new()));
    assert!(mean(&odd) > 0.1, "{odd:?}");
}

#[test]
fn a_text_may_have_to_be_cut_in_two_places_or_some_way_before_the_odd_one() {
    let mut engine = load();
    let prompt = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n\
        `, `null` | Who may ask: anybody, or who has a key. |\n\
        | `anonymous_requests_per_minute?` | integer or null from 0 to 4294967295 | \
        Of an address without a key; 0: no limit. |\n\
        | `anonymous_tokens_per_minute?` | integer or null from 0 to 4294967295 | \
        Of an address without a key; 0: no limit. |\n\
        | `anonymous_requests_per_day?` | integer or null from 0 to 4294967295 | \
        Of an address without a key; 0: no \n\n\
        Kerro suomeksi lyhyesti, mistä tässä on kyse.<|im_end|>\n<|im_start|>assistant\n";
    let texts = [
        // " s", "aml", "at", where the tokeniser has " sam", "lat".
        "Kerro suomeksi lähte samlat oliuttuaa ajarvuutti. Löyteliset toimfamelus mikinollilään keskustelu, ja",
        // "esty", where "est" and "y" only become odd two tokens later.
        "Kerro suomeksi lähtei tai alunkettuva että viesti järjestylty keskustilessin neperisetuin.",
    ];
    for text in texts {
        let request = AuditRequest {
            input: input(prompt),
            sampling: usual(),
            answer: text.into(),
            token_ids: Vec::new(),
            finish_reason: None,
            context_length: None,
            seeded: false,
        };
        let judged = judge(&mut engine, request);
        assert!(mean(&judged) < 0.005, "{text}: {judged:?}");
    }
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
