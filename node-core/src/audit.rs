//! Somebody else's answer in the engine's words, and the engine's judgement in the wire's.

use engine::{AuditRequest, FinishReason, Judgement};
use protocol::{AuditPrompt, AuditResult, LlmPrompt, NodeMessage, TaskId};

use crate::{Failure, engine_request};

pub fn engine_audit(audit: AuditPrompt) -> Result<AuditRequest, Failure> {
    let prompt = LlmPrompt {
        task_id: audit.task_id,
        request: audit.request,
        continue_from: None,
        continue_token_ids: Vec::new(),
    };
    // Nothing is drawn here; the hub tells of a draw only with its seed.
    let request = engine_request(&prompt, 0)?;
    Ok(AuditRequest {
        input: request.input,
        sampling: request.sampling,
        answer: audit.answer,
        token_ids: audit.answer_token_ids,
        finish_reason: audit.finish_reason.map(|reason| match reason {
            // After a call the model ends its answer as after any other text.
            protocol::FinishReason::Stop | protocol::FinishReason::ToolCalls => FinishReason::Stop,
            protocol::FinishReason::Length => FinishReason::Length,
        }),
        context_length: audit
            .context_length
            .map(|tokens| usize::try_from(tokens).unwrap_or(usize::MAX)),
        seeded: audit.seeded,
    })
}

/// The frame that answers the audit with this.
pub fn audit_frame(task_id: TaskId, judgements: &[Judgement]) -> NodeMessage {
    let rounded = |margin: f32| (margin * 10_000.0).round() / 10_000.0;
    NodeMessage::AuditResult(AuditResult {
        task_id,
        logit_margins: judgements
            .iter()
            .map(|judged| rounded(judged.logit_margin))
            .collect(),
        sampling_margins: judgements
            .iter()
            .map(|judged| rounded(judged.sampling_margin))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn audit(finish_reason: &serde_json::Value) -> AuditRequest {
        let audit = json!({
            "task_id": "t", "model": "m", "messages": [{"role": "user", "content": "Hei"}],
            "prefill": "a", "sampling": {"temperature": 0.5, "stop": ["x"]},
            "answer": "b", "answer_token_ids": [7], "finish_reason": finish_reason,
            "context_length": 512, "seeded": true,
        });
        engine_audit(serde_json::from_value(audit).unwrap()).unwrap()
    }

    #[test]
    fn prompt_answer_and_sampling_reach_the_engine() {
        let request = audit(&json!("stop"));
        assert!(matches!(request.input, engine::Input::Chat { prefill, .. } if prefill == "a"));
        assert_eq!(request.sampling.temperature, 0.5);
        assert_eq!(request.sampling.stop, ["x"]);
        assert_eq!(
            (request.answer.as_str(), &request.token_ids[..]),
            ("b", &[7][..])
        );
        assert_eq!(request.context_length, Some(512));
        assert!(request.seeded);
    }

    #[test]
    fn an_ending_reaches_the_engine_and_that_there_was_none_does() {
        let ended = |reason: serde_json::Value| audit(&reason).finish_reason;
        for by_the_model in ["stop", "tool_calls"] {
            assert_eq!(ended(json!(by_the_model)), Some(FinishReason::Stop));
        }
        assert_eq!(ended(json!("length")), Some(FinishReason::Length));
        assert_eq!(ended(json!(null)), None);
    }

    #[test]
    fn margins_travel_as_two_lists_of_the_same_length() {
        let judged = Judgement {
            logit_margin: 1.234_56,
            sampling_margin: 0.0,
        };
        let NodeMessage::AuditResult(result) = audit_frame(TaskId("t".into()), &[judged; 2]) else {
            panic!("an audit's result")
        };
        assert_eq!(result.logit_margins, [1.2346; 2]);
        assert_eq!(result.sampling_margins, [0.0; 2]);
    }
}
