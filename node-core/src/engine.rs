//! A prompt in the engine's words, and the engine's ending in the wire's.

use engine::{Begun, Input, Message, Request, Sampling};
use protocol::{
    ChatMessage, FinishReason, LlmDone, LlmPrompt, NodeMessage, PromptInput, Role, TaskId, Timings,
    Usage,
};

use crate::Failure;

/// How an answer that was not disturbed ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ending {
    pub finish_reason: FinishReason,
    pub usage: Usage,
    pub timings: Timings,
}

impl Ending {
    pub fn of_engine(reason: engine::FinishReason, usage: engine::Usage, timings: Timings) -> Self {
        let count = |tokens: usize| u32::try_from(tokens).unwrap_or(u32::MAX);
        Self {
            finish_reason: match reason {
                engine::FinishReason::Stop => FinishReason::Stop,
                engine::FinishReason::Length => FinishReason::Length,
            },
            usage: Usage {
                prompt_tokens: count(usage.prompt_tokens),
                cached_tokens: count(usage.cached_tokens),
                completion_tokens: count(usage.completion_tokens),
            },
            timings,
        }
    }

    /// The frame that ends the prompt with this.
    pub fn into_frame(self, task_id: TaskId) -> NodeMessage {
        NodeMessage::LlmDone(LlmDone {
            task_id,
            finish_reason: self.finish_reason,
            usage: self.usage,
            timings: self.timings,
        })
    }
}

/// `random_seed` is used where the prompt names none.
pub fn engine_request(prompt: &LlmPrompt, random_seed: u64) -> Result<Request, Failure> {
    if let Some(format) = &prompt.request.response_format
        && format["type"].as_str() != Some("text")
    {
        return Err(Failure {
            retryable: true,
            ..Failure::invalid(
                "the built-in engine can't hold an answer to a `response_format`: ask for text",
            )
        });
    }
    let input = match &prompt.request.input {
        PromptInput::Chat {
            messages,
            tools,
            prefill,
        } => Input::Chat {
            messages: messages.iter().map(message).collect(),
            tools: tools.clone(),
            prefill: prefill.clone().unwrap_or_default(),
        },
        PromptInput::Raw { prompt, suffix } => Input::Raw {
            prompt: prompt.clone(),
            suffix: suffix.clone(),
        },
    };
    let sampling = &prompt.request.sampling;
    let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    Ok(Request {
        input,
        begun: Begun {
            text: prompt.continue_from.clone().unwrap_or_default(),
            token_ids: prompt.continue_token_ids.clone(),
        },
        sampling: Sampling {
            temperature: sampling.temperature,
            top_k: size(sampling.top_k),
            top_p: sampling.top_p,
            min_p: sampling.min_p,
            repeat_penalty: sampling.repeat_penalty,
            seed: sampling.seed.map_or(random_seed, i64::cast_unsigned),
            max_tokens: sampling.max_tokens.map(size),
            stop: sampling.stop.clone(),
        },
    })
}

fn message(message: &ChatMessage) -> Message {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    Message {
        role: role.into(),
        content: message.content.clone(),
        tool_calls: message.tool_calls.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn prompt(json: serde_json::Value) -> LlmPrompt {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_answer_goes_on_from_prefill_and_from_what_another_node_sent() {
        let prompt = prompt(json!({
            "task_id": "t", "model": "m", "messages": [{"role": "user", "content": "Hei"}],
            "prefill": "a", "continue_from": "b", "continue_token_ids": [65],
        }));
        let request = engine_request(&prompt, 1).unwrap();
        let Input::Chat {
            messages, prefill, ..
        } = request.input
        else {
            panic!("a conversation")
        };
        assert_eq!((messages[0].role.as_str(), prefill.as_str()), ("user", "a"));
        let begun = Begun {
            text: "b".into(),
            token_ids: vec![65],
        };
        assert_eq!(request.begun, begun);
    }

    #[test]
    fn a_seed_is_kept_and_a_missing_one_is_random() {
        let with =
            prompt(json!({"task_id": "t", "model": "m", "prompt": "x", "sampling": {"seed": 9}}));
        let without = prompt(json!({"task_id": "t", "model": "m", "prompt": "x"}));
        assert_eq!(engine_request(&with, 7).unwrap().sampling.seed, 9);
        assert_eq!(engine_request(&without, 7).unwrap().sampling.seed, 7);
    }

    #[test]
    fn a_format_that_can_not_be_enforced_is_refused() {
        let prompt = prompt(json!({
            "task_id": "t", "model": "m", "prompt": "x", "response_format": {"type": "json_object"},
        }));
        assert!(engine_request(&prompt, 1).unwrap_err().retryable);
    }
}
