use protocol::PromptInput;
use serde_json::json;

use super::*;
use crate::keys::{Client, KeyId};

fn read(mut fields: Value) -> Result<PromptSubmission, ApiError> {
    let body = fields.as_object_mut().unwrap();
    body.entry("model")
        .or_insert_with(|| json!("qwen2.5-coder:0.5b"));
    body.entry("messages")
        .or_insert_with(|| json!([{"role": "user", "content": "hei"}]));
    submission(serde_json::from_value(fields).unwrap(), somebody())
}

/// Without a key.
fn somebody() -> Asker {
    Asker {
        client: Client::at([192, 0, 2, 1].into()),
        owner: None,
        demand: NodePreference::Any,
    }
}

fn sampling_of(fields: Value) -> Sampling {
    read(fields).unwrap().request.sampling
}

#[test]
fn what_is_not_given_is_filled_in() {
    let submission = read(json!({})).unwrap();
    assert_eq!(submission.request.sampling, Sampling::default());
    assert_eq!(submission.preference, NodePreference::Any);
    assert!(submission.request.response_format.is_none());
    assert!(matches!(
        submission.request.input,
        PromptInput::Chat { prefill: None, .. }
    ));
}

#[test]
fn every_sampling_setting_is_taken() {
    let sampling = sampling_of(json!({
        "temperature": 0, "top_k": 40, "top_p": 0.9, "min_p": 0.05, "repeat_penalty": 1.1,
        "seed": -7, "max_tokens": 64, "stop": ["a", "b"],
    }));
    let expected = Sampling {
        temperature: 0.0,
        top_k: 40,
        top_p: 0.9,
        min_p: 0.05,
        repeat_penalty: 1.1,
        seed: Some(-7),
        max_tokens: Some(64),
        stop: vec!["a".to_owned(), "b".to_owned()],
    };
    assert_eq!(sampling, expected);
}

#[test]
fn both_names_of_the_token_limit_are_understood() {
    assert_eq!(sampling_of(json!({"max_tokens": 5})).max_tokens, Some(5));
    assert_eq!(
        sampling_of(json!({"max_completion_tokens": 5})).max_tokens,
        Some(5)
    );
    let same = json!({"max_tokens": 5, "max_completion_tokens": 5});
    assert_eq!(sampling_of(same).max_tokens, Some(5));
}

#[test]
fn a_single_stop_string_needs_no_list() {
    assert_eq!(sampling_of(json!({"stop": "\n\n"})).stop, ["\n\n"]);
    assert!(sampling_of(json!({"stop": []})).stop.is_empty());
}

#[test]
fn minus_one_switches_top_k_off() {
    assert_eq!(sampling_of(json!({"top_k": -1})).top_k, 0);
}

#[test]
fn nodes_can_be_chosen() {
    for (nodes, preference) in [
        ("any", NodePreference::Any),
        ("native", NodePreference::Native),
        ("browser", NodePreference::Browser),
        ("trusted", NodePreference::Trusted),
    ] {
        let submission = read(json!({"kipina": {"nodes": nodes}})).unwrap();
        assert_eq!(submission.preference, preference);
    }
}

#[test]
fn a_keys_owner_stands_where_the_request_names_none_and_its_demand_stands_always() {
    let owner = |text: &str| protocol::Owner::try_from(text.to_owned()).unwrap();
    let (keys, own) = (owner("the-owner-of-the-key"), owner("somebody-of-the-body"));
    let read = |demand, kipina: Value| {
        let asker = Asker {
            client: Client::Key(KeyId(7)),
            owner: Some(keys.clone()),
            demand,
        };
        let body = json!({
            "model": "m", "messages": [{"role": "user", "content": "hei"}], "kipina": kipina,
        });
        submission(serde_json::from_value(body).unwrap(), asker).unwrap()
    };
    let named = json!({"owner": String::from(own.clone()), "nodes": "native"});
    assert_eq!(
        read(NodePreference::Any, json!({})).owner,
        Some(keys.clone())
    );
    assert_eq!(
        read(NodePreference::Any, json!({"nodes": "own"})).owner,
        Some(keys.clone())
    );
    assert_eq!(
        read(NodePreference::Any, named.clone()).owner,
        Some(own.clone())
    );
    assert_eq!(
        read(NodePreference::Trusted, named.clone()).owner,
        Some(own)
    );
    let strict = read(NodePreference::Own, named);
    assert_eq!(strict.owner, Some(keys));
    assert_eq!(
        (strict.preference, strict.demand),
        (NodePreference::Native, NodePreference::Own)
    );
    assert_eq!(strict.bill.client, Client::Key(KeyId(7)));
}

#[test]
fn a_prompt_may_have_an_owner_and_ask_for_its_nodes() {
    let secret = "only-mine-0123456789";
    for nodes in [None, Some("native"), Some("own")] {
        let submission = read(json!({"kipina": {"nodes": nodes, "owner": secret}})).unwrap();
        let owner = protocol::Owner::try_from(secret.to_owned()).unwrap();
        assert_eq!(submission.owner, Some(owner), "{nodes:?}");
        assert_eq!(
            submission.preference == NodePreference::Own,
            nodes == Some("own")
        );
        assert!(!format!("{submission:?}").contains(secret));
    }
    match read(json!({"kipina": {"nodes": "own"}})) {
        Err(ApiError::BadRequest { param, message, .. }) => {
            assert_eq!(param.as_deref(), Some("kipina.owner"));
            assert!(message.contains("'kipina.owner' is missing"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_out_of_range_is_refused_by_its_name() {
    let seventeen: Vec<String> = (0..17).map(|number| number.to_string()).collect();
    for (fields, param) in [
        (json!({"model": ""}), "model"),
        (json!({"model": "x".repeat(300)}), "model"),
        (json!({"messages": []}), "messages"),
        (json!({"temperature": 2.1}), "temperature"),
        (json!({"temperature": -0.1}), "temperature"),
        (json!({"top_p": 1.1}), "top_p"),
        (json!({"top_k": -2}), "top_k"),
        (json!({"min_p": -1}), "min_p"),
        (json!({"repeat_penalty": 0}), "repeat_penalty"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (
            json!({"max_completion_tokens": -1}),
            "max_completion_tokens",
        ),
        (
            json!({"max_tokens": 1, "max_completion_tokens": 2}),
            "max_tokens",
        ),
        (json!({"n": 0}), "n"),
        (json!({"frequency_penalty": 3}), "frequency_penalty"),
        (json!({"stop": ""}), "stop"),
        (json!({"stop": ["a", ""]}), "stop"),
        (json!({"stop": seventeen}), "stop"),
    ] {
        match read(fields.clone()) {
            Err(ApiError::BadRequest {
                param: Some(named),
                message,
                ..
            }) => {
                assert_eq!(named, param, "{fields}");
                assert!(
                    message.contains(&format!("'{param}'")),
                    "{fields}: {message}"
                );
            }
            other => panic!("{fields} gave {other:?}"),
        }
    }
}

#[test]
fn what_would_change_the_answer_and_can_not_be_done_is_refused_by_its_name() {
    let tool = json!({"type": "function", "function": {"name": "f"}});
    for (fields, param) in [
        (json!({"n": 2}), "n"),
        (json!({"frequency_penalty": 0.5}), "frequency_penalty"),
        (json!({"presence_penalty": -0.5}), "presence_penalty"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"top_logprobs": 3}), "top_logprobs"),
        (json!({"logit_bias": {"50256": -100}}), "logit_bias"),
        (
            json!({"response_format": {"type": "json_object"}}),
            "response_format",
        ),
        (json!({"tools": [tool]}), "tools"),
        (json!({"tools": [tool], "tool_choice": "none"}), "tools"),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (json!({"tool_choice": tool}), "tool_choice"),
        (json!({"functions": [{"name": "f"}]}), "functions"),
        (json!({"function_call": {"name": "f"}}), "function_call"),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
        (json!({"audio": {"voice": "alloy"}}), "audio"),
        (json!({"web_search_options": {}}), "web_search_options"),
    ] {
        match read(fields.clone()) {
            Err(ApiError::BadRequest {
                param: Some(named),
                code,
                message,
            }) => {
                assert_eq!(
                    (named.as_str(), code),
                    (param, Some("unsupported_parameter"))
                );
                assert!(
                    message.contains(&format!("'{param}'")),
                    "{fields}: {message}"
                );
            }
            other => panic!("{fields} gave {other:?}"),
        }
    }
}

#[test]
fn asking_for_what_happens_anyway_is_fine() {
    for fields in [
        json!({"n": 1}),
        json!({"frequency_penalty": 0, "presence_penalty": 0.0}),
        json!({"logprobs": false, "top_logprobs": 0, "logit_bias": {}}),
        json!({"response_format": {"type": "text"}}),
        json!({"tools": [], "tool_choice": "none"}),
        json!({"tool_choice": "auto", "functions": [], "function_call": "none"}),
        json!({"modalities": ["text"], "audio": null}),
    ] {
        assert!(read(fields.clone()).is_ok(), "{fields}");
    }
}
