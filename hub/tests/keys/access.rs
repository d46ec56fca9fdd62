//! Who may ask, and for what.

use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::client::{administer, ask_with, bearer, key, models, models_with, send};
use crate::support::{
    fake_node::{FakeNode, MODEL, hello},
    hub::TestHub,
};

const CLOSED: &[(&str, &str)] = &[("ACCESS", "keys")];

/// What looks like a key and is none.
const STRANGER: &str = "kp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test]
async fn an_open_hub_answers_everybody_but_whoever_shows_a_wrong_key() {
    let hub = TestHub::start().await;
    let (_, secret) = key(&hub, &json!({"name": "aino"})).await;
    for authorization in [
        None,
        Some("Bearer none"),
        Some("Bearer sk-proj-1"),
        Some("Basic YTpi"),
    ] {
        assert_eq!(
            models(&hub, authorization).await.status,
            200,
            "{authorization:?}"
        );
    }
    assert_eq!(models_with(&hub, &secret).await.status, 200);
    for wrong in [STRANGER, "kp_short", &secret[..secret.len() - 1]] {
        let refused = models_with(&hub, wrong).await;
        assert_eq!((refused.status, refused.code()), (401, "invalid_api_key"));
        assert_eq!(refused.body["error"]["type"], "authentication_error");
    }
}

#[tokio::test]
async fn a_closed_hub_answers_only_who_has_a_key_for_asking() {
    let hub = TestHub::with(CLOSED).await;
    for path in ["/v1/models", "/v1/models/qwen2.5-coder:0.5b"] {
        let refused = send(&hub, "GET", path, &[], None).await;
        assert_eq!(
            (refused.status, refused.code()),
            (401, "missing_api_key"),
            "{path}"
        );
        assert_eq!(refused.header("www-authenticate"), "Bearer");
        let message = refused.body["error"]["message"].as_str().unwrap();
        assert!(message.contains("Authorization: Bearer"), "{message}");
    }
    let refused = hub.chat(&json!({})).await;
    assert_eq!(refused.status(), 401, "before the body is looked at");
    for wrong in ["Bearer none", &bearer(STRANGER)] {
        let refused = models(&hub, Some(wrong)).await;
        assert_eq!(
            (refused.status, refused.code()),
            (401, "invalid_api_key"),
            "{wrong}"
        );
    }
    let (_, secret) = key(&hub, &json!({"name": "aino"})).await;
    assert_eq!(models_with(&hub, &secret).await.status, 200);
    let (_, node) = key(
        &hub,
        &json!({"name": "machine", "scopes": ["node", "admin"]}),
    )
    .await;
    let refused = models_with(&hub, &node).await;
    assert_eq!(
        (refused.status, refused.code()),
        (403, "insufficient_scope")
    );
    // What costs no compute stays open.
    for path in ["/healthz", "/api/stats", "/api/models", "/"] {
        assert_eq!(hub.get(path).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_key_ends_when_it_is_revoked_and_when_its_time_is_over() {
    let hub = TestHub::with(CLOSED).await;
    let (id, secret) = key(&hub, &json!({"name": "aino"})).await;
    let revoked = administer(&hub, "DELETE", &format!("/keys/{id}"), None).await;
    assert_eq!(
        (revoked.status, &revoked.body["status"]),
        (200, &json!("revoked"))
    );
    let refused = models_with(&hub, &secret).await;
    assert_eq!((refused.status, refused.code()), (401, "invalid_api_key"));
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("revoked"), "{message}");

    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let terms = json!({"name": "short", "expires_at": now.as_secs() + 2});
    let (_, secret) = key(&hub, &terms).await;
    assert_eq!(models_with(&hub, &secret).await.status, 200);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let refused = models_with(&hub, &secret).await;
    assert_eq!((refused.status, refused.code()), (401, "expired_api_key"));
}

#[tokio::test]
async fn a_rotated_key_has_a_new_secret_and_for_a_while_the_old_one() {
    let hub = TestHub::with(CLOSED).await;
    let (id, first) = key(&hub, &json!({"name": "aino"})).await;
    let path = format!("/keys/{id}/rotate");
    let rotated = administer(&hub, "POST", &path, None).await;
    assert_eq!(rotated.status, 200);
    let second = rotated.body["secret"].as_str().unwrap().to_owned();
    assert!(rotated.body["previous"]["valid_until"].as_u64().is_some());
    for secret in [&first, &second] {
        assert_eq!(models_with(&hub, secret).await.status, 200);
    }
    let rotated = administer(&hub, "POST", &path, Some(&json!({"grace_seconds": 0}))).await;
    let third = rotated.body["secret"].as_str().unwrap().to_owned();
    assert!(rotated.body["previous"].is_null());
    for (secret, status) in [(&first, 401), (&second, 401), (&third, 200)] {
        assert_eq!(models_with(&hub, secret).await.status, status);
    }
}

#[tokio::test]
async fn keys_outlive_the_hub() {
    let hub = TestHub::with(CLOSED).await;
    let (id, kept) = key(&hub, &json!({"name": "kept"})).await;
    let (gone, revoked) = key(&hub, &json!({"name": "gone"})).await;
    administer(&hub, "DELETE", &format!("/keys/{gone}"), None).await;
    let rotated = administer(&hub, "POST", &format!("/keys/{id}/rotate"), None).await;
    let renewed = rotated.body["secret"].as_str().unwrap().to_owned();

    let hub = TestHub::in_directory(hub.stop().await, CLOSED).await;
    for (secret, status) in [(&kept, 200), (&renewed, 200), (&revoked, 401)] {
        assert_eq!(models_with(&hub, secret).await.status, status);
    }
    let (next, _) = key(&hub, &json!({"name": "next"})).await;
    assert_eq!(next, gone + 1, "a number is never given twice");
}

#[tokio::test]
async fn a_key_for_some_models_sees_and_asks_for_no_others() {
    let hub = TestHub::start().await;
    let _known = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    let _other = FakeNode::join(&hub.node_url(), hello("smollm2:135m")).await;
    hub.models_when(2).await;
    let (_, secret) = key(&hub, &json!({"name": "aino", "models": ["smollm2:135m"]})).await;
    let listed = models_with(&hub, &secret).await.body;
    let ids: Vec<&str> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["smollm2:135m"]);
    for model in [MODEL, "qwen-coder", "gpt-4"] {
        let refused = ask_with(&hub, &secret, &json!({"model": model})).await;
        assert_eq!(
            (refused.status, refused.code()),
            (403, "model_not_allowed"),
            "{model}"
        );
        let message = refused.body["error"]["message"].as_str().unwrap();
        assert!(message.contains("smollm2:135m"), "{message}");
    }
    let path = format!("/v1/models/{MODEL}");
    let authorization = bearer(&secret);
    let hidden = send(
        &hub,
        "GET",
        &path,
        &[("authorization", &authorization)],
        None,
    )
    .await;
    assert_eq!(hidden.status, 404);
}
