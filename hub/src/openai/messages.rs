//! OpenAI's messages in the hub's terms.

use protocol::{ChatMessage, PromptInput, Role};

use super::request::{Content, Message, MessageRole, Part};
use crate::error::ApiError;

/// A conversation. A last message of the assistant is the beginning of its answer.
pub(super) fn conversation(messages: Vec<Message>) -> Result<PromptInput, ApiError> {
    if messages.is_empty() {
        return Err(ApiError::invalid(
            "messages",
            "'messages' must hold at least one message",
        ));
    }
    let mut messages = messages
        .into_iter()
        .enumerate()
        .map(|(index, message)| chat_message(message, &format!("messages[{index}]")))
        .collect::<Result<Vec<_>, _>>()?;

    let mut prefill = None;
    if let Some(last) = messages.pop_if(|last| last.role == Role::Assistant) {
        if !last.tool_calls.is_empty() {
            return Err(ApiError::invalid(
                format!("messages[{}].tool_calls", messages.len()),
                "the last message calls tools: add the tools' answers behind it",
            ));
        }
        prefill = Some(last.content).filter(|text| !text.is_empty());
    }
    Ok(PromptInput::Chat {
        messages,
        tools: Vec::new(),
        prefill,
    })
}

fn chat_message(message: Message, path: &str) -> Result<ChatMessage, ApiError> {
    if message.function_call.is_some_and(|call| !call.is_null()) {
        return Err(ApiError::unsupported(
            format!("{path}.function_call"),
            "'function_call' is not supported; write the call as text",
        ));
    }
    let role = match message.role {
        MessageRole::System | MessageRole::Developer => Role::System,
        MessageRole::User => Role::User,
        MessageRole::Assistant => Role::Assistant,
        MessageRole::Tool => Role::Tool,
    };
    let content = match message.content {
        Some(Content::Text(text)) => text,
        Some(Content::Parts(parts)) => joined(parts, &format!("{path}.content"))?,
        // An assistant's message may consist of its tool calls, or of nothing yet.
        None if role == Role::Assistant => String::new(),
        None => {
            let field = format!("{path}.content");
            let message = format!("'{field}' is missing: give a string or a list of text parts");
            return Err(ApiError::invalid(field, message));
        }
    };
    Ok(ChatMessage {
        role,
        content,
        name: message.name,
        tool_calls: message.tool_calls.unwrap_or_default(),
        tool_call_id: message.tool_call_id,
    })
}

/// Parts stand on lines of their own, as in vLLM and llama.cpp.
fn joined(parts: Vec<Part>, path: &str) -> Result<String, ApiError> {
    let texts = parts
        .into_iter()
        .enumerate()
        .map(|(index, part)| part_text(part, &format!("{path}[{index}]")))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(texts.join("\n"))
}

fn part_text(part: Part, path: &str) -> Result<String, ApiError> {
    let text = match part.r#type.as_str() {
        "text" => part.text,
        "refusal" => part.refusal,
        other => {
            return Err(ApiError::unsupported(
                path,
                format!("'{path}': parts of type '{other}' are not supported, only 'text'"),
            ));
        }
    };
    text.ok_or_else(|| ApiError::invalid(path, format!("'{path}' has no text")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(messages: Value) -> Result<(Vec<ChatMessage>, Option<String>), ApiError> {
        match conversation(serde_json::from_value(messages).unwrap())? {
            PromptInput::Chat {
                messages, prefill, ..
            } => Ok((messages, prefill)),
            PromptInput::Raw { .. } => panic!("a conversation became raw text"),
        }
    }

    fn refused_param(messages: Value) -> String {
        match read(messages) {
            Err(ApiError::BadRequest {
                param: Some(param), ..
            }) => param,
            other => panic!("expected a refusal that names a field, got {other:?}"),
        }
    }

    #[test]
    fn every_role_is_understood() {
        let (messages, prefill) = read(json!([
            {"role": "system", "content": "a"},
            {"role": "developer", "content": "b"},
            {"role": "user", "content": "c", "name": "aino"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1"}]},
            {"role": "tool", "content": "d", "tool_call_id": "call_1"},
        ]))
        .unwrap();
        let roles: Vec<Role> = messages.iter().map(|message| message.role).collect();
        assert_eq!(
            roles,
            [
                Role::System,
                Role::System,
                Role::User,
                Role::Assistant,
                Role::Tool
            ]
        );
        assert_eq!(messages[2].name.as_deref(), Some("aino"));
        assert_eq!(messages[3].tool_calls, [json!({"id": "call_1"})]);
        assert_eq!(messages[4].tool_call_id.as_deref(), Some("call_1"));
        assert_eq!(prefill, None);
    }

    #[test]
    fn text_parts_are_joined_line_by_line() {
        let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
        let (messages, _) = read(json!([{"role": "user", "content": parts}])).unwrap();
        assert_eq!(messages[0].content, "a\nb");
    }

    #[test]
    fn a_last_assistant_message_is_the_beginning_of_the_answer() {
        let user = json!({"role": "user", "content": "count"});
        let (messages, prefill) =
            read(json!([user, {"role": "assistant", "content": "1, 2,"}])).unwrap();
        assert_eq!((messages.len(), prefill.as_deref()), (1, Some("1, 2,")));

        let (messages, prefill) =
            read(json!([user, {"role": "assistant", "content": ""}])).unwrap();
        assert_eq!((messages.len(), prefill), (1, None));
    }

    #[test]
    fn what_is_no_text_is_refused_by_its_place() {
        let image = json!({"type": "image_url", "image_url": {"url": "https://a.example/b.png"}});
        let audio = json!({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}});
        let text = json!({"type": "text", "text": "what is this?"});
        for (messages, param) in [
            (
                json!([{"role": "user", "content": [text, image]}]),
                "messages[0].content[1]",
            ),
            (
                json!([{"role": "user", "content": [audio]}]),
                "messages[0].content[0]",
            ),
            (
                json!([{"role": "user", "content": [{"type": "text"}]}]),
                "messages[0].content[0]",
            ),
            (json!([{"role": "user"}]), "messages[0].content"),
            (json!([]), "messages"),
            (
                json!([{"role": "assistant", "function_call": {"name": "f"}}]),
                "messages[0].function_call",
            ),
            (
                json!([{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{}]}]),
                "messages[1].tool_calls",
            ),
        ] {
            assert_eq!(refused_param(messages), param);
        }
    }
}
