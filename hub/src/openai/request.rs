//! The body of `POST /v1/chat/completions`, as far as the hub looks at it.
//!
//! Only fields that change the answer are named. All others (`user`, `metadata`, `store`,
//! `service_tier`, …) are ignored, as OpenAI's own clients expect of servers.

use protocol::Owner;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::json::{Object, object, objects, whole};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChatCompletionRequest {
    pub(super) model: String,
    #[serde(deserialize_with = "objects")]
    pub(super) messages: Vec<Message>,
    pub(super) stream: Option<bool>,
    #[serde(deserialize_with = "object")]
    pub(super) stream_options: Option<StreamOptions>,

    #[serde(deserialize_with = "whole")]
    pub(super) max_tokens: Option<i64>,
    #[serde(deserialize_with = "whole")]
    pub(super) max_completion_tokens: Option<i64>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    #[serde(deserialize_with = "whole")]
    pub(super) seed: Option<i64>,
    pub(super) stop: Option<Stop>,
    // Not OpenAI's, but what local models are used with.
    #[serde(deserialize_with = "whole")]
    pub(super) top_k: Option<i64>,
    pub(super) min_p: Option<f64>,
    pub(super) repeat_penalty: Option<f64>,
    #[serde(deserialize_with = "object")]
    pub(super) kipina: Option<KipinaOptions>,

    // Read to be refused where they ask for something that no node can do.
    #[serde(deserialize_with = "whole")]
    pub(super) n: Option<i64>,
    pub(super) frequency_penalty: Option<f64>,
    pub(super) presence_penalty: Option<f64>,
    pub(super) logprobs: Option<bool>,
    #[serde(deserialize_with = "whole")]
    pub(super) top_logprobs: Option<i64>,
    pub(super) logit_bias: Option<Map<String, Value>>,
    #[serde(deserialize_with = "object")]
    pub(super) response_format: Option<ResponseFormat>,
    pub(super) tools: Option<Vec<Value>>,
    pub(super) tool_choice: Option<Value>,
    pub(super) functions: Option<Vec<Value>>,
    pub(super) function_call: Option<Value>,
    pub(super) modalities: Option<Vec<String>>,
    pub(super) audio: Option<Value>,
    pub(super) web_search_options: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StreamOptions {
    pub(super) include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub(super) enum Stop {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
pub(super) struct ResponseFormat {
    pub(super) r#type: String,
}

/// What only Kipinä has, under the one name `kipina`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct KipinaOptions {
    pub(super) nodes: Option<Nodes>,
    /// Whose prompt it is.
    pub(super) owner: Option<Owner>,
    /// Whether another node may go on where one is lost in the middle; true unless told.
    pub(super) resume: Option<bool>,
    /// How many nodes answer, of which the best is chosen.
    #[serde(deserialize_with = "whole")]
    pub(super) ensemble: Option<i64>,
}

/// Which nodes may answer.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Nodes {
    Any,
    Native,
    Browser,
    Trusted,
    /// Those of the prompt's owner.
    Own,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) role: MessageRole,
    #[serde(default)]
    pub(super) content: Option<Content>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) tool_calls: Option<Vec<Value>>,
    #[serde(default)]
    pub(super) tool_call_id: Option<String>,
    #[serde(default)]
    pub(super) function_call: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MessageRole {
    System,
    /// What newer clients of OpenAI write for `system`.
    Developer,
    User,
    Assistant,
    Tool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of content parts")]
pub(super) enum Content {
    Text(String),
    #[serde(deserialize_with = "objects")]
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
pub(super) struct Part {
    pub(super) r#type: String,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) refusal: Option<String>,
}

/// Reads the body; a mistake is told with its place: the field's path, or line and column.
pub(super) fn parse(body: &[u8]) -> Result<ChatCompletionRequest, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let Object(request) = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() && path != "." {
            ApiError::invalid(path.clone(), format!("'{path}': {error}"))
        } else {
            not_json(&error)
        }
    })?;
    reader.end().map_err(|error| not_json(&error))?;
    Ok(request)
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::BadRequest {
        message: format!("the body is not the JSON of a chat completion request: {error}"),
        param: None,
        code: Some("invalid_json"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> (String, Option<String>) {
        match parse(body.as_bytes()) {
            Err(ApiError::BadRequest { message, param, .. }) => (message, param),
            other => panic!("{body} gave {other:?}"),
        }
    }

    #[test]
    fn broken_json_is_told_with_line_and_column() {
        for (body, place) in [
            ("{\n  \"model\": }", "line 2 column 12"),
            ("", "line 1 column 0"),
            ("{\"model\": \"m\"", "line 1 column 13"),
            ("{\"model\": \"m\"} trailing", "line 1 column 16"),
            ("\"text\"", "line 1 column"),
        ] {
            let (message, param) = refusal(body);
            assert!(message.contains(place), "{body}: {message}");
            assert_eq!(param, None, "{body}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_is_told_with_its_path() {
        for (body, path) in [
            (r#"{"model": 7}"#, "model"),
            (r#"{"temperature": "hot"}"#, "temperature"),
            (r#"{"messages": "hello"}"#, "messages"),
            (
                r#"{"messages": [{"role": "user"}, {"role": "wizard"}]}"#,
                "messages[1].role",
            ),
            (r#"{"messages": [{"content": "no role"}]}"#, "messages[0]"),
            (
                r#"{"messages": [{"role": "user", "content": 7}]}"#,
                "messages[0].content",
            ),
            (r#"{"stop": {"a": 1}}"#, "stop"),
            (r#"{"stop": ["a", 1]}"#, "stop"),
            (r#"{"kipina": {"nodes": "mine"}}"#, "kipina.nodes"),
            (r#"{"kipina": {"owner": "too short"}}"#, "kipina.owner"),
            (r#"{"kipina": {"owner": ["a"]}}"#, "kipina.owner"),
            (r#"{"kipina": {"ensemble": "two"}}"#, "kipina.ensemble"),
            (r#"{"kipina": {"ensemble": 1.5}}"#, "kipina.ensemble"),
            (r#"{"max_tokens": 1.5}"#, "max_tokens"),
            (r#"{"seed": 9007199254740994.0}"#, "seed"),
            (r#"{"seed": 9223372036854775808}"#, "seed"),
            (r#"{"kipina": [null, null]}"#, "kipina"),
            (r#"{"stream_options": [true]}"#, "stream_options"),
            (r#"{"messages": [["user", "hello"]]}"#, "messages[0]"),
            (
                r#"{"messages": [{"role": "user", "content": [["text", "x"]]}]}"#,
                "messages[0].content",
            ),
            (
                r#"{"stream_options": {"include_usage": 1}}"#,
                "stream_options.include_usage",
            ),
        ] {
            let (message, param) = refusal(body);
            assert_eq!(param.as_deref(), Some(path), "{body}: {message}");
            assert!(message.contains(path), "{body}: {message}");
        }
    }

    #[test]
    fn whole_numbers_may_be_written_with_a_point() {
        let body =
            br#"{"model": "m", "max_tokens": 16.0, "seed": -374e1, "n": 1.0, "top_k": null}"#;
        let request = parse(body).unwrap();
        assert_eq!(
            (request.max_tokens, request.seed, request.n, request.top_k),
            (Some(16), Some(-3740), Some(1), None)
        );
    }

    #[test]
    fn a_list_is_no_request() {
        let (message, param) = refusal(r#"["m", [{"role": "user", "content": "x"}]]"#);
        assert!(message.contains("expected an object"), "{message}");
        assert_eq!(param, None);
    }

    #[test]
    fn null_is_as_good_as_absent_and_unknown_fields_are_ignored() {
        let body = r#"{"model": "m", "messages": [{"role": "user", "content": null}],
            "stop": null, "temperature": null, "n": null, "tools": null, "kipina": null,
            "user": "aino", "metadata": {"a": "b"}, "store": true, "service_tier": "auto",
            "from_the_future": [1, 2]}"#;
        let request = parse(body.as_bytes()).unwrap();
        assert_eq!(request.model, "m");
        assert!(request.stop.is_none() && request.n.is_none());
    }
}
