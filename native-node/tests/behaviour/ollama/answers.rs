//! Answers: whole, cut off, begun by somebody else.

use std::time::Duration;

use axum::{Json, http::StatusCode, response::IntoResponse};
use native_node::backend::Backend;
use protocol::{FinishReason, LlmErrorCode};
use serde_json::json;

use super::stand_in::{ANSWER, Ollama, hei};
use crate::{
    script::{Beat, in_pieces, send},
    support::{ask, prompt},
};

fn prefilled() -> protocol::LlmPrompt {
    prompt(json!({
        "task_id": "t", "model": "qwen2.5-coder:3b",
        "messages": [{"role": "user", "content": "Hei"}],
        "prefill": "```rust\n", "continue_from": "fn ",
    }))
}

#[tokio::test]
async fn an_answer_arrives_whole_wherever_the_network_cuts_it() {
    for bytes in [1, 7, 64, 10_000] {
        let ollama = Ollama::answering(in_pieces(ANSWER, bytes));
        let answer = ask(&ollama.backend().await, &hei()).await;
        assert_eq!(answer.text(), "Hyvää yötä 🌙", "{bytes} bytes at a time");
        let end = answer.end.unwrap();
        assert_eq!(end.finish_reason, FinishReason::Stop);
        assert_eq!(
            (end.usage.prompt_tokens, end.usage.completion_tokens),
            (11, 7)
        );
        let timings = end.timings;
        assert_eq!(
            (timings.load_ms, timings.prefill_ms, timings.decode_ms),
            (100.0, 150.0, 250.0)
        );
    }
}

#[tokio::test]
async fn the_context_asked_for_is_the_one_advertised() {
    let ollama = Ollama::answering(vec![send(ANSWER)]);
    let backend = ollama.backend().await;
    let models = backend.models().await.unwrap();
    assert_eq!(models[0].context_length, 4096);
    assert_eq!(models[0].runtime, "ollama 0.13.5");
    ask(&backend, &hei()).await.end.unwrap();
    let request = ollama.last_request();
    assert_eq!(request["options"]["num_ctx"], 4096);
    assert_eq!(
        (&request["truncate"], &request["shift"]),
        (&json!(false), &json!(false))
    );
}

#[tokio::test]
async fn tokens_do_not_wait_for_those_after_them() {
    let first = ANSWER.lines().next().unwrap();
    let ollama = Ollama::answering(vec![send(first), send("\n"), Beat::Hang]);
    let backend = ollama.backend().await;
    let (sender, mut frames) = tokio::sync::mpsc::channel(10);
    let prompt = hei();
    let mut writer =
        native_node::backend::AnswerWriter::new(prompt.task_id.clone(), sender, 1 << 20);
    tokio::select! {
        _ = backend.answer(&prompt, &mut writer) => panic!("the stand-in hangs"),
        frame = frames.recv() => assert!(frame.is_some()),
        () = tokio::time::sleep(Duration::from_secs(5)) => panic!("the first token was held back"),
    }
}

#[tokio::test]
async fn a_slow_stream_is_waited_for() {
    let mut beats = Vec::new();
    for line in ANSWER.lines() {
        beats.extend([
            send(line),
            Beat::Pause(Duration::from_millis(60)),
            send("\n"),
        ]);
    }
    let answer = ask(&Ollama::answering(beats).backend().await, &hei()).await;
    assert_eq!(answer.text(), "Hyvää yötä 🌙");
    assert!(answer.end.is_ok());
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_a_failure_that_another_node_may_mend() {
    let first = ANSWER.lines().next().unwrap();
    let ollama = Ollama::answering(vec![send(first), send("\n"), Beat::Break]);
    let answer = ask(&ollama.backend().await, &hei()).await;
    assert_eq!(answer.text(), "Hyvää ");
    let failure = answer.end.unwrap_err();
    assert_eq!(
        (failure.code, failure.retryable),
        (LlmErrorCode::BackendFailed, true)
    );
}

#[tokio::test]
async fn a_stream_that_ends_without_its_last_line_is_no_answer() {
    let first = ANSWER.lines().next().unwrap();
    let answer = ask(
        &Ollama::answering(vec![send(first)]).backend().await,
        &hei(),
    )
    .await;
    let failure = answer.end.unwrap_err();
    assert_eq!(
        (failure.code, failure.retryable),
        (LlmErrorCode::BackendFailed, false)
    );
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_ends_it() {
    let lines = "{\"message\":{\"content\":\"a\"},\"done\":false}\n\
                 {\"error\":\"CUDA error: out of memory\"}\n";
    let answer = ask(
        &Ollama::answering(vec![send(lines)]).backend().await,
        &hei(),
    )
    .await;
    assert_eq!(answer.text(), "a");
    let failure = answer.end.unwrap_err();
    assert_eq!(failure.code, LlmErrorCode::OutOfMemory);
    assert!(failure.message.contains("CUDA error"), "{failure}");
}

#[tokio::test]
async fn what_is_no_json_is_a_failure_and_nothing_worse() {
    for nonsense in [
        "<html>502</html>\n",
        "{\"message\":\n",
        "\u{0}\n",
        "{\"done\":\"maybe\"}\n",
    ] {
        let answer = ask(
            &Ollama::answering(vec![send(nonsense)]).backend().await,
            &hei(),
        )
        .await;
        assert_eq!(
            answer.end.unwrap_err().code,
            LlmErrorCode::BackendFailed,
            "{nonsense:?}"
        );
    }
    let not_utf8 = vec![Beat::Send(vec![0xff, 0xfe, b'\n'])];
    let answer = ask(&Ollama::answering(not_utf8).backend().await, &hei()).await;
    assert_eq!(answer.end.unwrap_err().code, LlmErrorCode::BackendFailed);
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_refused_and_never_cut() {
    let refuses = || {
        let error = json!({"error": "the input length exceeds the context length"});
        (StatusCode::BAD_REQUEST, Json(error)).into_response()
    };
    let answer = ask(&Ollama::responding(refuses).backend().await, &hei()).await;
    let failure = answer.end.unwrap_err();
    assert_eq!(failure.code, LlmErrorCode::ContextLengthExceeded);
    assert!(!failure.retryable);
    // One that cuts it all the same gives itself away by a context that is full.
    let full = ANSWER.replace("\"prompt_eval_count\":11", "\"prompt_eval_count\":4096");
    let answer = ask(
        &Ollama::answering(vec![send(&full)]).backend().await,
        &hei(),
    )
    .await;
    assert_eq!(
        answer.end.unwrap_err().code,
        LlmErrorCode::ContextLengthExceeded
    );
}

#[tokio::test]
async fn an_answer_that_was_begun_is_left_open_by_the_template() {
    let ollama = Ollama::answering(vec![send(ANSWER)]);
    ask(&ollama.backend().await, &prefilled())
        .await
        .end
        .unwrap();
    let last = json!({"role": "assistant", "content": "```rust\nfn "});
    assert_eq!(ollama.last_request()["messages"][1], last);
}

#[tokio::test]
async fn a_template_that_closes_every_message_is_gone_around() {
    let answer = "{\"response\":\"main\",\"done\":false}\n\
                  {\"response\":\"\",\"done\":true,\"done_reason\":\"length\"}\n";
    let ollama = Ollama {
        template_closes: true,
        ..Ollama::answering(vec![send(answer)])
    };
    let answer = ask(&ollama.backend().await, &prefilled()).await;
    assert_eq!(answer.text(), "main");
    assert_eq!(answer.end.unwrap().finish_reason, FinishReason::Length);
    let request = ollama.last_request();
    assert_eq!(request["prompt"], "<prompt>Hei<end>```rust\nfn ");
    assert_eq!(request["raw"], true);
}

#[tokio::test]
async fn tool_calls_are_part_of_the_text() {
    let lines = "{\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":\
                 {\"name\":\"add\",\"arguments\":{\"a\":1}}}]},\"done\":false}\n\
                 {\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\n";
    let answer = ask(
        &Ollama::answering(vec![send(lines)]).backend().await,
        &hei(),
    )
    .await;
    assert!(
        answer.text().starts_with("<tool_call>\n{"),
        "{}",
        answer.text()
    );
    assert_eq!(answer.end.unwrap().finish_reason, FinishReason::ToolCalls);
}
