//! Every URL, as far as it needs no node.

mod support;

use std::{fs, path::Path};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use serde_json::{Value, json};
use support::hub::router_with;
use tempfile::TempDir;
use tower::ServiceExt;

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

async fn send(router: &Router, request: Request<Body>) -> Reply {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body = String::from_utf8_lossy(&body).into_owned();
    Reply {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

async fn get(router: &Router, path: &str) -> Reply {
    send(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn chat(router: &Router, body: impl Into<Body>) -> Reply {
    send(
        router,
        Request::post("/v1/chat/completions")
            .body(body.into())
            .unwrap(),
    )
    .await
}

struct Fixture {
    directory: TempDir,
    router: Router,
}

fn hub(settings: &[(&str, &str)]) -> Fixture {
    let directory = TempDir::new().unwrap();
    let router = router_with(directory.path(), settings);
    Fixture { directory, router }
}

fn write(directory: &Path, name: &str, content: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
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

#[tokio::test]
async fn the_studio_is_served_where_there_is_one() {
    let site = TempDir::new().unwrap();
    write(site.path(), "index.html", "<title>Studio</title>");
    write(site.path(), "404.html", "<title>Ei löydy</title>");
    write(site.path(), "docs/index.html", "<title>Docs</title>");
    let hub = hub(&[("STATIC_DIR", site.path().to_str().unwrap())]);
    assert!(get(&hub.router, "/").await.body.contains("Studio"));
    assert!(get(&hub.router, "/docs/").await.body.contains("Docs"));
    let missing = get(&hub.router, "/nothing").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.body.contains("Ei löydy"));
    assert_eq!(
        get(&hub.router, "/../../etc/passwd").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(get(&hub.router, "/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn pages_are_cross_origin_isolated() {
    let hub = hub(&[]);
    let reply = get(&hub.router, "/").await;
    assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(reply.header("cross-origin-embedder-policy"), "require-corp");
    assert_eq!(reply.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn the_catalogue_tells_what_is_served_and_which_files_are_here() {
    let hub = hub(&[]);
    let models = hub.directory.path().join(".cache/kipina/models");
    write(&models, "smollm2-135m-instruct-q4_1.gguf", "weights");
    let listed = get(&hub.router, "/api/models").await.json();
    let find = |id: &str| {
        let models = listed["models"].as_array().unwrap().iter();
        models
            .clone()
            .find(|model| model["id"] == id)
            .unwrap()
            .clone()
    };
    let here = find("smollm2:135m");
    assert_eq!(
        (&here["file_available"], &here["nodes"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(here["licence"], "Apache-2.0");
    assert_eq!(find("qwen2.5-coder:0.5b")["file_available"], false);
}

#[tokio::test]
async fn model_files_are_served_in_ranges_and_cached_for_ever() {
    let hub = hub(&[]);
    let models = hub.directory.path().join(".cache/kipina/models");
    write(&models, "smollm2-135m-instruct-q4_1.gguf", "0123456789");
    write(&models, "smollm2-135m-instruct-q4_1.gguf.part", "half");
    write(&models, "notes.txt", "private");

    let whole = get(&hub.router, "/models/smollm2-135m-instruct-q4_1.gguf").await;
    assert_eq!(
        (whole.status, whole.body.as_str()),
        (StatusCode::OK, "0123456789")
    );
    assert!(whole.header("cache-control").contains("immutable"));
    assert_eq!(whole.header("accept-ranges"), "bytes");

    let request = Request::get("/models/smollm2-135m-instruct-q4_1.gguf")
        .header("range", "bytes=2-4")
        .body(Body::empty());
    let part = send(&hub.router, request.unwrap()).await;
    assert_eq!(
        (part.status, part.body.as_str()),
        (StatusCode::PARTIAL_CONTENT, "234")
    );
    assert_eq!(part.header("content-range"), "bytes 2-4/10");

    for name in [
        "smollm2-135m-instruct-q4_1.gguf.part",
        "notes.txt",
        "..%2Fhub.sqlite",
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    ] {
        let missing = get(&hub.router, &format!("/models/{name}")).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{name}");
        assert_eq!(missing.header("cache-control"), "", "{name}");
    }
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
