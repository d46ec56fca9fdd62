//! Every URL, as far as it needs no node.

mod support;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::json;
use support::local::{Reply, get, hub, send};

async fn chat(router: &Router, body: impl Into<Body>) -> Reply {
    send(
        router,
        Request::post("/v1/chat/completions")
            .body(body.into())
            .unwrap(),
    )
    .await
}

#[tokio::test]
async fn health_is_told() {
    let hub = hub(&[]);
    let reply = get(&hub.router, "/healthz").await;
    assert_eq!(
        (reply.status, &reply.json()["status"]),
        (StatusCode::OK, &json!("ok"))
    );
}

#[tokio::test]
async fn a_new_hub_has_nobody_and_has_done_nothing() {
    let hub = hub(&[]);
    let stats = get(&hub.router, "/api/stats").await.json();
    assert_eq!(stats["nodes"], json!([]));
    assert_eq!(stats["queue"], json!({"waiting": 0, "running": 0}));
    assert_eq!(stats["totals"]["prompts"], 0);
    let models = get(&hub.router, "/v1/models").await.json();
    assert_eq!(models, json!({"object": "list", "data": []}));
}

#[tokio::test]
async fn every_response_has_a_request_id() {
    let hub = hub(&[]);
    for path in ["/", "/healthz", "/v1/models", "/v1/nothing", "/nothing"] {
        assert!(
            !get(&hub.router, path)
                .await
                .header("x-request-id")
                .is_empty(),
            "{path}"
        );
    }
    let request = Request::get("/healthz")
        .header("x-request-id", "mine")
        .body(Body::empty());
    assert_eq!(
        send(&hub.router, request.unwrap())
            .await
            .header("x-request-id"),
        "mine"
    );
}

#[tokio::test]
async fn unknown_api_routes_and_methods_are_refused_in_json() {
    let hub = hub(&[]);
    for path in [
        "/v1/nothing",
        "/api/nothing",
        "/v1/chat",
        "/v1",
        "/v1/",
        "/api/",
    ] {
        let reply = get(&hub.router, path).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(reply.json()["error"]["code"], "not_found", "{path}");
        assert!(
            reply.json()["error"]["message"]
                .as_str()
                .unwrap()
                .contains(path)
        );
    }
    let reply = get(&hub.router, "/v1/chat/completions").await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reply.json()["error"]["code"], "method_not_allowed");
    assert_eq!(reply.header("allow"), "POST");
}

#[tokio::test]
async fn a_model_that_nobody_offers_can_not_be_retrieved() {
    let hub = hub(&[]);
    for path in ["/v1/models/gpt-4", "/v1/models/hf.co/some/model:q4"] {
        let reply = get(&hub.router, path).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        let error = &reply.json()["error"];
        assert_eq!(
            (&error["code"], &error["param"]),
            (&json!("model_not_found"), &json!("model"))
        );
    }
}

#[tokio::test]
async fn a_request_that_can_not_be_read_is_refused_with_its_place() {
    let hub = hub(&[]);
    let reply = chat(&hub.router, "{\"model\": ").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
    assert!(
        reply.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("line 1 column 10")
    );

    let body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "n": 2});
    let reply = chat(&hub.router, body.to_string()).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.json()["error"]["param"], "n");
}

#[tokio::test]
async fn a_request_that_is_too_long_is_refused_with_the_limit() {
    let hub = hub(&[("MAX_BODY_BYTES", "1024")]);
    let reply = chat(&hub.router, "x".repeat(1025)).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(reply.json()["error"]["code"], "request_too_large");
    assert!(
        reply.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("1024")
    );
    assert_eq!(
        chat(&hub.router, "x".repeat(1024)).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn without_a_studio_a_small_page_says_what_this_is_in_both_languages() {
    let hub = hub(&[]);
    let reply = get(&hub.router, "/").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.header("content-type").starts_with("text/html"));
    for text in ["Tämä on Kipinä-keskus", "This is a Kipinä hub", "curl -N"] {
        assert!(reply.body.contains(text), "{text}");
    }
    assert_eq!(
        get(&hub.router, "/nothing").await.status,
        StatusCode::NOT_FOUND
    );
}

fn from_page(origin: &str, request: axum::http::request::Builder) -> axum::http::request::Builder {
    request
        .header("origin", origin)
        .header("host", "hub.example")
}

#[tokio::test]
async fn pages_that_may_call_the_api_are_told_so() {
    let hub = hub(&[("ALLOWED_ORIGINS", "https://studio.example")]);
    for origin in [
        "https://studio.example",
        "http://localhost:4321",
        "https://hub.example",
    ] {
        let preflight = from_page(origin, Request::options("/v1/chat/completions"))
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,x-stainless-lang",
            );
        let reply = send(&hub.router, preflight.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.header("access-control-allow-origin"), origin);
        assert_eq!(
            reply.header("access-control-allow-headers"),
            "authorization,x-stainless-lang"
        );
        let request = from_page(origin, Request::get("/v1/models"))
            .body(Body::empty())
            .unwrap();
        let reply = send(&hub.router, request).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("access-control-allow-origin"), origin);
    }
}

#[tokio::test]
async fn foreign_pages_get_nothing_computed_and_nothing_told() {
    let hub = hub(&[]);
    for origin in ["https://evil.example", "http://10.evil.com", "null"] {
        let preflight = from_page(origin, Request::options("/v1/chat/completions"))
            .header("access-control-request-method", "POST");
        let reply = send(&hub.router, preflight.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.header("access-control-allow-origin"), "", "{origin}");
        // A form can be posted to anywhere without asking first.
        let post = from_page(origin, Request::post("/v1/chat/completions"))
            .header("content-type", "text/plain");
        let reply = send(&hub.router, post.body(Body::from("{}")).unwrap()).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{origin}");
        assert_eq!(reply.json()["error"]["code"], "origin_not_allowed");
        assert_eq!(reply.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_to_keep_to_it() {
    let hub = hub(&[]);
    for path in [
        "/",
        "/healthz",
        "/v1/models",
        "/v1/nothing",
        "/join.sh",
        "/nothing",
    ] {
        let reply = get(&hub.router, path).await;
        for (header, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(header), value, "{header} of {path}");
        }
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(
            reply.header("permissions-policy").contains("microphone=()"),
            "{path}"
        );
    }
}
