//! Keys and the log of changes, as the operator's pages see them.

use serde_json::{Value, json};

use crate::client::{administer, bearer, key, send};
use crate::support::hub::TestHub;

#[tokio::test]
async fn a_key_is_shown_with_its_secret_once_and_without_it_ever_after() {
    let hub = TestHub::start().await;
    let terms = json!({
        "name": "Aino's laptop", "scopes": ["api", "node"], "models": ["qwen-coder"],
        "nodes": "trusted", "owner": "aino", "limits": {"requests_per_minute": 60},
        "expires_at": 4_000_000_000_u64,
    });
    let made = administer(&hub, "POST", "/keys", Some(&terms)).await;
    assert_eq!(
        (made.status, made.header("cache-control")),
        (201, "no-store")
    );
    let mut made = made.body;
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with(made["prefix"].as_str().unwrap()));
    assert!(secret.len() == 46 && made["prefix"].as_str().unwrap().len() == 11);
    for (field, value) in terms.as_object().unwrap() {
        if field != "limits" {
            assert_eq!(&made[field], value, "{field}");
        }
    }
    let limits = json!({
        "requests_per_minute": 60, "tokens_per_minute": null,
        "requests_per_day": null, "tokens_per_day": null,
    });
    assert_eq!(made["limits"], limits);
    assert_eq!(made["status"], "active");

    let listed = administer(&hub, "GET", "/keys", None).await.body;
    assert!(!listed.to_string().contains(&secret[11..]));
    let mut listed = listed["keys"][0].clone();
    let nothing = json!({"prompts": 0, "prompt_tokens": 0, "completion_tokens": 0});
    assert_eq!(listed["usage"], json!({"today": nothing, "total": nothing}));
    listed.as_object_mut().unwrap().remove("usage");
    made.as_object_mut().unwrap().remove("secret");
    assert_eq!(listed, made);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_field() {
    let hub = TestHub::start().await;
    let (id, _) = key(&hub, &json!({"name": "aino"})).await;
    let (path, rotate) = (format!("/keys/{id}"), format!("/keys/{id}/rotate"));
    for (method, path, body, param) in [
        ("POST", "/keys", json!({}), "."),
        ("POST", "/keys", json!({"name": ""}), "name"),
        (
            "POST",
            "/keys",
            json!({"name": "a", "scopes": ["root"]}),
            "scopes[0]",
        ),
        (
            "POST",
            "/keys",
            json!({"name": "a", "limits": {"tokens": 1}}),
            "limits.tokens",
        ),
        ("POST", "/keys", json!({"name": "a", "limit": {}}), "limit"),
        (
            "POST",
            "/keys",
            json!({"name": "a", "expires_at": 1}),
            "expires_at",
        ),
        ("PATCH", &path, json!({"nodes": "mine"}), "nodes"),
        (
            "POST",
            &rotate,
            json!({"grace_seconds": 99_999_999}),
            "grace_seconds",
        ),
        ("DELETE", "/keys/first", Value::Null, "id"),
    ] {
        let refused = administer(&hub, method, path, Some(&body)).await;
        assert_eq!(refused.status, 400, "{method} {path} {body}");
        assert_eq!(refused.body["error"]["param"], param, "{}", refused.body);
    }
    for (method, path) in [
        ("GET", "/keys/99"),
        ("DELETE", "/keys/99"),
        ("GET", "/nothing"),
    ] {
        let missing = administer(&hub, method, path, None).await;
        assert_eq!(
            (missing.status, missing.code()),
            (404, "not_found"),
            "{path}"
        );
    }
    administer(&hub, "DELETE", &path, None).await;
    let patch = json!({"name": "b"});
    let refused = administer(&hub, "PATCH", &path, Some(&patch)).await;
    assert_eq!((refused.status, refused.code()), (409, "key_revoked"));
}

#[tokio::test]
async fn every_change_is_written_down_with_who_and_from_where() {
    let hub = TestHub::start().await;
    let (id, _) = key(&hub, &json!({"name": "aino"})).await;
    let (robot, admin) = key(&hub, &json!({"name": "robot", "scopes": ["admin"]})).await;
    let authorization = bearer(&admin);
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-forwarded-for", "198.51.100.7"),
    ];
    let patch = json!({"name": "eino", "limits": {"requests_per_day": 5}});
    for (method, path, body) in [
        ("PATCH", format!("/api/admin/keys/{id}"), Some(&patch)),
        ("POST", format!("/api/admin/keys/{id}/rotate"), None),
        ("DELETE", format!("/api/admin/keys/{id}"), None),
    ] {
        let changed = send(&hub, method, &path, &headers, body).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    }
    let log = administer(&hub, "GET", "/audit-log", None).await.body;
    let entries = log["entries"].as_array().unwrap();
    let actions: Vec<&str> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    let expected = [
        "key.revoked",
        "key.rotated",
        "key.changed",
        "key.created",
        "key.created",
    ];
    assert_eq!(actions, expected);
    let changed = &entries[2];
    assert_eq!(
        changed["who"],
        json!({"kind": "key", "id": robot, "name": "robot"})
    );
    assert_eq!(changed["address"], "198.51.100.7");
    assert_eq!(changed["subject"], format!("key {id} (eino)"));
    assert_eq!(changed["details"]["before"]["name"], "aino");
    assert_eq!(changed["details"]["after"]["limits"]["requests_per_day"], 5);
    assert!(changed["at_ms"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(entries[4]["who"], json!({"kind": "this_machine"}));
    assert_eq!(entries[4]["address"], "127.0.0.1");
    assert!(log["next_before"].is_null());

    let first = administer(&hub, "GET", "/audit-log?limit=3", None)
        .await
        .body;
    let before = first["next_before"].as_u64().expect("there is more");
    assert_eq!(first["entries"].as_array().unwrap().len(), 3);
    let rest = format!("/audit-log?limit=3&before={before}");
    let rest = administer(&hub, "GET", &rest, None).await.body;
    assert_eq!(rest["entries"].as_array().unwrap().len(), 2);
    for query in ["limit=0", "limit=501", "before=x"] {
        let refused = administer(&hub, "GET", &format!("/audit-log?{query}"), None).await;
        assert_eq!(refused.status, 400, "{query}");
    }
}
