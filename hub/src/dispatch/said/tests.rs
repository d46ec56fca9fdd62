use serde_json::json;

use super::*;

fn request(fields: &serde_json::Value) -> PromptRequest {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "hei"}]});
    for (name, value) in fields.as_object().expect("an object") {
        request[name] = value.clone();
    }
    serde_json::from_str(&request.to_string()).expect("a request")
}

fn said(text: &str) -> Said {
    let mut said = Said::default();
    said.goes_on_with(Some("sha256:a"));
    said.keep(&token(text, &[1]));
    said.count(1);
    said
}

fn token(text: &str, token_ids: &[u32]) -> Token {
    Token {
        text: text.to_owned(),
        token_ids: token_ids.to_vec(),
    }
}

#[test]
fn a_call_of_a_tool_that_has_begun_is_continued_by_nobody() {
    let with_tools = request(&json!({"tools": [{"type": "function"}]}));
    for begun in [
        "<tool_call>\n{",
        "Let me see. <tool_call>",
        "I ask <too",
        "{\"name\": \"f",
        " [{",
    ] {
        assert_eq!(
            said(begun).unsound(&with_tools),
            Some(Unsound::ToolCall),
            "{begun}"
        );
        assert_eq!(said(begun).unsound(&request(&json!({}))), None, "{begun}");
    }
    for prose in ["I need no tool: ", "a < b and {", "See [1]"] {
        assert_eq!(said(prose).unsound(&with_tools), None, "{prose}");
    }
}

#[test]
fn a_format_is_kept_from_the_first_token_to_the_last_or_not_at_all() {
    for (format, expected) in [
        (json!({"type": "json_object"}), Some(Unsound::Format)),
        (
            json!({"type": "json_schema", "json_schema": {}}),
            Some(Unsound::Format),
        ),
        (json!({"type": "text"}), None),
    ] {
        let request = request(&json!({"response_format": format}));
        assert_eq!(said("{").unsound(&request), expected, "{format}");
    }
}

#[test]
fn tokens_are_told_only_to_the_same_weights_and_only_where_all_are_known() {
    let rest = |said: &Said| {
        said.rest(&request(&json!({})))
            .expect("there is more")
            .continue_token_ids
    };
    assert_eq!(rest(&said("hei")), [1]);

    let mut other_weights = said("hei");
    other_weights.goes_on_with(Some("sha256:b"));
    assert!(rest(&other_weights).is_empty());
    // What the other weights said is in it for good.
    other_weights.goes_on_with(Some("sha256:a"));
    assert!(rest(&other_weights).is_empty());

    let mut unknown_weights = Said::default();
    unknown_weights.goes_on_with(None);
    unknown_weights.keep(&token("hei", &[1]));
    unknown_weights.count(1);
    assert!(rest(&unknown_weights).is_empty());

    let mut untold = said("hei");
    untold.keep(&token(" vaan", &[]));
    untold.keep(&token("!", &[3]));
    assert!(rest(&untold).is_empty());
}

#[test]
fn more_tokens_than_a_text_can_have_are_not_kept() {
    let mut flooded = said("hei");
    flooded.keep(&token("x", &vec![7; 100_000]));
    let rest = flooded.rest(&request(&json!({}))).expect("there is more");
    assert!(rest.continue_token_ids.is_empty());
    assert_eq!(flooded.bytes(), 4);
}
