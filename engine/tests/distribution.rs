//! What the model says about the next token, against the answers and scores of the same model.

mod support;

use engine::{Begun, Distribution, Engine, EngineOptions, Input, Request, Sampling, Step};

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

fn request(prompt: &str) -> Request {
    Request {
        input: Input::Raw {
            prompt: prompt.into(),
            suffix: None,
        },
        begun: Begun::default(),
        sampling: Sampling::greedy(Some(2)),
    }
}

/// The natural logarithm of the probability of the `index`th candidate.
fn log_probability(distribution: &Distribution, index: usize) -> f64 {
    let largest = distribution.candidates[0].logit;
    let weight = |logit: f32| f64::from(logit - largest).exp();
    let one_by_one = distribution
        .candidates
        .iter()
        .map(|candidate| weight(candidate.logit));
    let rest = distribution
        .rest
        .iter()
        .map(|&(logit, count)| weight(logit) * count as f64);
    let sum: f64 = one_by_one.chain(rest).sum();
    f64::from(distribution.candidates[index].logit - largest) - sum.ln()
}

#[test]
fn it_is_there_between_the_prompt_and_the_answer() {
    let mut engine = load();
    let mut session = engine.start(&request("The capital of Finland is")).unwrap();
    assert_eq!(session.distribution(5), None);
    let step = session.next().unwrap().unwrap();
    assert!(matches!(step, Step::Prefilled { done, total } if done == total));
    let distribution = session.distribution(5).unwrap();
    let Step::Text { token_id, .. } = session.next().unwrap().unwrap() else {
        panic!("no token came");
    };
    assert_eq!(distribution.candidates[0].token, token_id);
    assert_eq!(session.distribution(5), None);
}

#[test]
fn its_probabilities_are_those_of_a_score() {
    are_those_of_a_score("One, two, three, four,", 40);
}

/// A score computes all of every token, a prompt only what its end needs.
#[test]
fn a_long_prompts_probabilities_are_those_of_a_score() {
    are_those_of_a_score(&"One, two, three, four,".repeat(40), 4);
}

fn are_those_of_a_score(prompt: &str, count: usize) {
    let mut engine = load();
    let mut session = engine.start(&request(prompt)).unwrap();
    let distribution = loop {
        session.next().unwrap().unwrap();
        if let Some(distribution) = session.distribution(count) {
            break distribution;
        }
    };
    drop(session);

    let prompt = engine.tokenize(prompt).unwrap();
    for (index, candidate) in distribution.candidates.iter().enumerate() {
        let tokens = [prompt.as_slice(), &[candidate.token]].concat();
        let score = engine.score(&tokens, prompt.len()).unwrap()[0];
        let found = log_probability(&distribution, index);
        let expected = f64::from(score.log_probability);
        assert!(
            (found - expected).abs() < 0.01,
            "{:?}: {found} is not {expected}",
            candidate.text
        );
        assert_eq!(candidate.recent, prompt.contains(&candidate.token));
    }
    let comma = prompt.last().copied();
    let recent = distribution
        .candidates
        .iter()
        .filter(|candidate| candidate.recent)
        .map(|candidate| candidate.token);
    assert!(recent.clone().any(|token| Some(token) == comma));
    let vocabulary: usize = distribution.rest.iter().map(|&(_, count)| count).sum();
    assert_eq!(vocabulary + distribution.candidates.len(), 49152);
}
