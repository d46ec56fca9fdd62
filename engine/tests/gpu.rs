//! The engine on a GPU, be it one that a processor plays, against the engine on the processor and against files that
//! `scripts/make-golden.sh` made with llama.cpp: the same weights, the same prompts.

mod support;

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use engine::{
    Audit, AuditRequest, Begun, Engine, EngineError, EngineOptions, Gpu, GpuError, Input, Request,
    Sampling, Step,
};
use serde::Deserialize;

const QWEN: (&str, &str) = (
    "qwen2.5-coder-0.5b",
    "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
);
const SMOLLM: (&str, &str) = ("smollm2-135m", "smollm2-135m-instruct-q4_1.gguf");

static GPU: LazyLock<Gpu> =
    LazyLock::new(|| pollster::block_on(Gpu::request()).expect("mesa-vulkan-drivers bring one"));

#[derive(Deserialize)]
struct Greedy {
    prompt: String,
    prompt_ids: Vec<u32>,
    answer_ids: Vec<u32>,
}

fn options(gpu: Option<Gpu>) -> EngineOptions {
    EngineOptions {
        threads: 2,
        spawn: engine::spawn_thread,
        context_length: Some(512),
        cache_tokens: Some(1024),
        gpu,
    }
}

fn on_gpu() -> Engine {
    support::load(SMOLLM.1, &options(Some(GPU.clone())))
}

fn on_cpu() -> Engine {
    support::load(SMOLLM.1, &options(None))
}

fn raw(prompt: &str, sampling: Sampling) -> Request {
    Request {
        input: Input::Raw {
            prompt: prompt.into(),
            suffix: None,
        },
        begun: Begun::default(),
        sampling,
    }
}

/// The answer's ids, and how much of the prompt was not computed again.
fn answer(engine: &mut Engine, request: &Request) -> (Vec<u32>, usize) {
    let mut session = engine.start(request).unwrap();
    let mut ids = Vec::new();
    for step in session.by_ref() {
        if let Step::Text { token_id, .. } = step.unwrap() {
            ids.push(token_id);
        }
    }
    (ids, session.usage().cached_tokens)
}

const PROMPT: &str = "fn main() {\n    let numbers = vec![1, 2, 3];\n    for number in";

/// Some of the golden answers: a processor that plays a GPU takes its time.
fn agrees_with_reference(gpu: &Gpu, model: (&str, &str), answers: usize) {
    let mut engine = support::load(model.1, &options(Some(gpu.clone())));
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(model.0)
        .join("greedy.json");
    let goldens: Vec<Greedy> =
        serde_json::from_reader(support::open(&path, "scripts/make-golden.sh makes it")).unwrap();
    let (mut positions, mut agreeing) = (0, 0);
    for golden in &goldens[..answers] {
        let tokens = [golden.prompt_ids.as_slice(), &golden.answer_ids].concat();
        let scores = engine.score(&tokens, golden.prompt_ids.len()).unwrap();
        positions += scores.len();
        let pairs = scores.iter().zip(&golden.answer_ids);
        agreeing += pairs.filter(|(score, id)| score.likeliest == **id).count();
        // And one token after the other, each the next one's input.
        let request = raw(&golden.prompt, Sampling::greedy(Some(12)));
        let (ids, _) = answer(&mut engine, &request);
        assert_eq!(ids, golden.answer_ids[..12], "{}", golden.prompt);
    }
    println!(
        "{}: argmax agrees at {agreeing} of {positions} positions",
        model.0
    );
    assert!(
        agreeing * 100 >= positions * 98,
        "{agreeing} of {positions} positions agree"
    );
}

#[test]
fn smollm_agrees_with_llama_cpp() {
    agrees_with_reference(&GPU, SMOLLM, 4);
}

#[test]
fn qwen_agrees_with_llama_cpp() {
    agrees_with_reference(&GPU, QWEN, 1);
}

/// What only a GPU that is faster so chooses by itself.
const CHOSEN: &str = "32x1 32x1 32x2 256x2 32x8 bytes";

#[test]
fn with_prompts_of_eight_bits_it_agrees_with_llama_cpp_too() {
    let gpu = pollster::block_on(Gpu::request()).unwrap();
    for (model, answers) in [(SMOLLM, 4), (QWEN, 1)] {
        drop(support::load(model.1, &options(Some(gpu.clone()))));
        let adapters = gpu.tuning().into_keys();
        let chosen = adapters.map(|adapter| (adapter, CHOSEN.to_owned()));
        gpu.recall(chosen.collect());
        agrees_with_reference(&gpu, model, answers);
        assert!(gpu.tuning().values().all(|text| text == CHOSEN));
    }
}

#[test]
fn a_gpu_says_what_the_processor_says_whatever_chooses() {
    let (mut gpu, mut cpu) = (on_gpu(), on_cpu());
    assert_eq!(gpu.info().kernels, "webgpu");
    assert_eq!(gpu.info().gpu.as_deref(), Some(GPU.adapter()));
    let greedy = raw(PROMPT, Sampling::greedy(Some(20)));
    assert_eq!(answer(&mut gpu, &greedy).0, answer(&mut cpu, &greedy).0);
    // Up to 64 candidates the GPU draws from; else it shows its logits, and the processor draws.
    let drawn = |top_k| {
        let sampling = Sampling {
            temperature: 0.8,
            top_k,
            top_p: 0.9,
            repeat_penalty: 1.1,
            seed: 7,
            ..Sampling::greedy(Some(16))
        };
        raw(PROMPT, sampling)
    };
    let by_gpu = answer(&mut gpu, &drawn(64)).0;
    assert_eq!(by_gpu, answer(&mut gpu, &drawn(65)).0);
    assert_eq!(by_gpu, answer(&mut gpu, &drawn(64)).0);
}

/// The sampling margins of an answer that a GPU gave, judged by the processor.
fn margins(gpu: &mut Engine, judge: &mut Engine, request: Request) -> Vec<f32> {
    let (mut text, mut token_ids) = (String::new(), Vec::new());
    let mut finish_reason = None;
    for step in gpu.start(&request).unwrap() {
        match step.unwrap() {
            Step::Prefilled { .. } => {}
            Step::Text {
                text: said,
                token_id,
            } => {
                text += &said;
                token_ids.push(token_id);
            }
            Step::Finished { text: said, reason } => {
                text += &said;
                finish_reason = Some(reason);
            }
        }
    }
    assert!(finish_reason.is_some());
    let mut audit = Audit::new(AuditRequest {
        input: request.input,
        sampling: request.sampling,
        answer: text,
        token_ids,
        finish_reason,
        context_length: None,
        seeded: true,
    });
    while !audit.step(judge, 256).unwrap() {}
    let judged = audit.into_judgements();
    judged.iter().map(|judged| judged.sampling_margin).collect()
}

#[test]
fn a_gpus_answers_pass_an_audit_by_the_processor() {
    let (mut gpu, mut cpu) = (on_gpu(), on_cpu());
    let usual = Sampling {
        temperature: 0.7,
        top_k: 20,
        top_p: 0.8,
        repeat_penalty: 1.05,
        ..Sampling::greedy(Some(24))
    };
    // The limits are those of scheduler/src/audit/thresholds.rs.
    for (sampling, most) in [(Sampling::greedy(Some(24)), 0.012), (usual, 0.008)] {
        let of_each = (0..4).flat_map(|seed| {
            let prompt = format!("{PROMPT} numbers {{\n    // {seed}:");
            let sampling = Sampling {
                seed,
                ..sampling.clone()
            };
            margins(&mut gpu, &mut cpu, raw(&prompt, sampling))
        });
        let all: Vec<f32> = of_each.collect();
        let mean = all.iter().sum::<f32>() / all.len() as f32;
        println!("{mean} over {}", all.len());
        assert!(mean < most, "{all:?}");
    }
}

#[test]
fn a_second_turn_computes_only_what_is_new_and_answers_the_same() {
    let mut engine = on_gpu();
    let first = raw(PROMPT, Sampling::greedy(Some(24)));
    answer(&mut engine, &first);
    // Another conversation in between.
    answer(
        &mut engine,
        &raw("Once upon a time", Sampling::greedy(Some(4))),
    );
    let longer = format!("{PROMPT} &numbers {{\n        println!(\"{{number}}\");\n    }}\n}}\n");
    let second = raw(&longer, Sampling::greedy(Some(12)));
    let (warm, cached) = answer(&mut engine, &second);
    let known = engine.tokenize(PROMPT).unwrap().len();
    assert!(cached + 2 >= known, "{cached} of {known} were kept");
    assert_eq!(warm, answer(&mut on_gpu(), &second).0);
}

/// Of all chunks but the last one nobody wants logits.
#[test]
fn a_prompt_in_chunks_has_the_same_answer() {
    let request = raw(&PROMPT.repeat(6), Sampling::greedy(Some(8)));
    let whole = answer(&mut on_gpu(), &request).0;
    let mut engine = on_gpu();
    let mut session = engine.start(&request).unwrap();
    session.set_step(40);
    let mut chunks = 0;
    let ids: Vec<u32> = session
        .filter_map(|step| match step.unwrap() {
            Step::Text { token_id, .. } => Some(token_id),
            Step::Prefilled { .. } => {
                chunks += 1;
                None
            }
            Step::Finished { .. } => None,
        })
        .collect();
    assert!(chunks > 2, "{chunks}");
    assert_eq!(ids, whole);
}

#[test]
fn an_answer_that_nobody_wants_any_more_leaves_the_next_one_alone() {
    let mut engine = on_gpu();
    let request = raw(PROMPT, Sampling::greedy(Some(16)));
    let expected = answer(&mut engine, &request).0;
    for steps in [1, 2, 3, 7] {
        let aborted = raw("A list of rivers:", Sampling::greedy(None));
        let mut session = engine.start(&aborted).unwrap();
        session.set_ahead(5);
        assert_eq!(
            session.by_ref().take(steps).filter(Result::is_ok).count(),
            steps
        );
        drop(session);
        assert_eq!(answer(&mut engine, &request).0, expected);
    }
}

#[test]
fn what_does_not_fit_is_refused_with_what_to_do() {
    let gpu = GPU.clone().with_budget(50 << 20);
    let refused = Engine::load(
        &mut support::weights(SMOLLM.1),
        &options(Some(gpu)),
        &mut |_| (),
    );
    match refused {
        Err(EngineError::Gpu(GpuError::OutOfMemory(why))) => {
            assert!(why.contains("52428800"), "{why}");
        }
        other => panic!("{:?}", other.map(|engine| engine.info().clone())),
    }
}

#[test]
fn what_a_copy_reads_and_writes_both_count() {
    let bytes_per_second = |milliseconds_a_look| {
        let mut passed = Duration::ZERO;
        let clock = move || {
            passed += Duration::from_millis(milliseconds_a_look);
            passed
        };
        pollster::block_on(GPU.copied_bytes_per_second(clock)).unwrap() as u64
    };
    // One copy of 256 MiB between two looks at the clock, which is long enough.
    assert_eq!(bytes_per_second(1000), 2 * (256 << 20));
    assert_eq!(bytes_per_second(500), 4 * (256 << 20));
}

#[test]
fn a_context_beyond_any_buffer_is_refused_before_memory_is_taken() {
    let endless = EngineOptions {
        cache_tokens: Some(1 << 40),
        ..options(Some(GPU.clone()))
    };
    let refused = Engine::load(&mut support::weights(SMOLLM.1), &endless, &mut |_| ());
    assert!(matches!(
        refused,
        Err(EngineError::Gpu(GpuError::TooSmall { .. }))
    ));
}
