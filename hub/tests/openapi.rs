//! The OpenAPI document says what the router does: no route is missing from it, and none is in it
//! that isn't there.

mod support;

use std::{fs, path::Path};

use axum::http::Method;
use serde_json::{Value, json};
use support::hub::TestHub;

fn document() -> Value {
    serde_json::from_str(include_str!("../src/openapi.json")).unwrap()
}

/// Each documented operation: method, path, what is said of it.
fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let operations = item.as_object().unwrap();
        operations
            .iter()
            .map(|(method, operation)| {
                let method = method.to_uppercase().parse().unwrap();
                (method, path.clone(), operation.clone())
            })
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// Every `.route("…"` of the hub's sources.
fn routes(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routes(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let calls = text.split(".route(").skip(1);
            found.extend(
                calls
                    .filter_map(|call| call.split('"').nth(1))
                    .map(str::to_owned),
            );
        }
    }
}

#[tokio::test]
async fn the_document_is_served_as_it_is_written() {
    let hub = TestHub::start().await;
    let response = hub.get("/api/openapi.json").await;
    assert_eq!(response.headers()["content-type"], "application/json");
    let served: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(served, document());
    assert_eq!(served["openapi"], "3.1.0");
    assert_eq!(served["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_route_is_documented() {
    let mut found = Vec::new();
    routes(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert!(found.len() > 10, "{found:?}");
    let document = document();
    let documented: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    // The page for people, and what only says that nothing is there.
    let no_api = ["/", "/v1/", "/api/"];
    for route in found
        .iter()
        .filter(|route| !no_api.contains(&route.as_str()))
    {
        let route = route.replace("{*", "{");
        assert!(
            documented.iter().any(|path| path.ends_with(&route)),
            "{route} is not in hub/src/openapi.json; describe it there, and run scripts/api_docs.py"
        );
    }
}

#[tokio::test]
async fn every_documented_operation_is_answered_as_documented() {
    let hub = TestHub::start().await;
    let document = document();
    let client = support::http::client();
    for (method, path, operation) in operations(&document) {
        let address = path
            .replace("{id}", "nobody")
            .replace("{identity}", "0f")
            .replace("{file}", "nothing");
        let request = client
            .request(method.clone(), hub.url(&address))
            .header("content-type", "application/json")
            .body("{}");
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let documented = &operation["responses"][status.to_string()];
        assert!(
            documented.is_object(),
            "{method} {address} answers {status}, which is not documented"
        );
        assert_ne!(status, 405, "{method} {address}");
        if status == 404 {
            let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
            let message = body["error"]["message"].as_str().unwrap();
            assert!(path.contains('{'), "{method} {address}: {message}");
        }
    }
}

#[test]
fn operations_have_names_words_and_no_loose_references() {
    let document = document();
    let operations = operations(&document);
    let mut names: Vec<&str> = operations
        .iter()
        .map(|(_, path, operation)| {
            assert!(operation["summary"].is_string(), "{path}");
            operation["operationId"].as_str().unwrap()
        })
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two operations have one name");

    let text = document.to_string();
    for reference in text.split(r##""$ref":"#"##).skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

/// What a client must be able to rely on before it reads anything else.
#[test]
fn every_operation_may_be_told_too_many_requests() {
    for (method, path, operation) in operations(&document()) {
        let told = &operation["responses"]["429"];
        assert_eq!(
            told,
            &json!({"$ref": "#/components/responses/TooManyRequests"}),
            "{method} {path}"
        );
    }
}
