//! Bodies that are more than they look.

use super::support::hub::TestHub;

/// The status and the error of an answer.
async fn post(hub: &TestHub, body: String) -> (u16, serde_json::Value) {
    let request = super::support::http::client()
        .post(hub.url("/v1/chat/completions"))
        .body(body);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    (status, body["error"].clone())
}

fn with(field: &str) -> String {
    format!(r#"{{"model": "m", "messages": [{{"role": "user", "content": "x"}}], {field}}}"#)
}

#[tokio::test]
async fn json_that_is_too_deep_too_large_or_twofold_is_refused_with_its_place() {
    let hub = TestHub::start().await;
    let deep = "[".repeat(100_000);
    let deep_objects = r#"{"a":"#.repeat(100_000);
    for (body, said) in [
        (deep.clone(), "line 1 column"),
        (with(&format!(r#""tools": [{deep}"#)), "recursion limit"),
        (
            with(&format!(r#""tool_choice": {deep_objects}"#)),
            "recursion limit",
        ),
        (with(&format!(r#""stop": {deep}"#)), "recursion limit"),
        (with(r#""temperature": 1e999"#), "number out of range"),
        (with(r#""seed": 9999999999999999999999"#), "seed"),
        (with(r#""max_tokens": -9223372036854775809"#), "max_tokens"),
        (with(r#""stop": "\ud800""#), "hex escape"),
        (with(r#""stop": "\udc00x""#), "hex escape"),
        (
            with(r#""temperature": 1, "temperature": 0"#),
            "duplicate field",
        ),
        (with("\"stop\": \"\u{1}\""), "control character"),
        (with(r#""temperature": NaN"#), "line 1 column"),
    ] {
        let (status, error) = post(&hub, body.clone()).await;
        let beginning = &body[..body.len().min(120)];
        assert_eq!(status, 400, "{beginning}: {error}");
        assert_eq!(error["type"], "invalid_request_error", "{beginning}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(said), "{beginning}: {message}");
        assert!(message.len() < 1000, "{beginning}: {message}");
    }
}

#[tokio::test]
async fn fields_that_nobody_reads_may_be_anything() {
    let hub = TestHub::start().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for field in [
        format!(r#""metadata": {deep}"#),
        r#""user": 1e999, "user": 2"#.to_owned(),
    ] {
        // Nobody has the model: the body itself was fine.
        let (status, error) = post(&hub, with(&field)).await;
        assert_eq!(
            (status, &error["code"]),
            (404, &"model_not_found".into()),
            "{error}"
        );
    }
}
