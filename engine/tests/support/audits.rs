//! What tests of audits have in common: a small model that judges, and how answers are usually sampled.

use engine::{Audit, AuditRequest, Engine, EngineOptions, Input, Judgement, Sampling};

use crate::support;

pub(crate) fn load() -> Engine {
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

pub(crate) fn input(prompt: &str) -> Input {
    Input::Raw {
        prompt: prompt.into(),
        suffix: None,
    }
}

#[allow(dead_code, reason = "texts are cut where chance has drawn them")]
pub(crate) fn greedy() -> Sampling {
    Sampling::greedy(Some(48))
}

/// As Qwen's own defaults, which most prompts have.
pub(crate) fn usual() -> Sampling {
    Sampling {
        temperature: 0.7,
        top_k: 20,
        top_p: 0.8,
        repeat_penalty: 1.05,
        seed: 11,
        ..greedy()
    }
}

pub(crate) fn judge(engine: &mut Engine, request: AuditRequest) -> Vec<Judgement> {
    let mut audit = Audit::new(request);
    while !audit.step(engine, 64).unwrap() {}
    audit.into_judgements()
}

pub(crate) fn mean(judgements: &[Judgement]) -> f32 {
    let sum: f32 = judgements
        .iter()
        .map(|judged| judged.sampling_margin.min(4.0))
        .sum();
    sum / judgements.len() as f32
}
