//! `/api/models` and `/models/…`: what a page needs to fetch a model's weights from the hub.

mod support;

use std::{fs, path::Path};

use axum::http::StatusCode;
use serde_json::{Value, json};
use support::local::{get, get_with, head, hub, write};

const SMALL: &str = "/models/smollm2-135m-instruct-q4_1.gguf";

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

    let whole = get(&hub.router, SMALL).await;
    assert_eq!(
        (whole.status, whole.body.as_str()),
        (StatusCode::OK, "0123456789")
    );
    assert!(whole.header("cache-control").contains("immutable"));
    assert_eq!(whole.header("accept-ranges"), "bytes");

    let part = get_with(&hub.router, SMALL, &[("range", "bytes=2-4")]).await;
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

#[tokio::test]
async fn a_download_resumes_where_it_broke_off_and_not_beyond_the_end() {
    let hub = hub(&[]);
    let models = hub.directory.path().join(".cache/kipina/models");
    write(&models, "smollm2-135m-instruct-q4_1.gguf", "0123456789");
    let rest = get_with(&hub.router, SMALL, &[("range", "bytes=7-")]).await;
    assert_eq!(rest.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(rest.body, "789");
    assert_eq!(rest.header("content-range"), "bytes 7-9/10");
    assert_eq!(rest.header("content-length"), "3");
    assert!(rest.header("cache-control").contains("immutable"));

    let beyond = get_with(&hub.router, SMALL, &[("range", "bytes=10-")]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.header("content-range"), "bytes */10");
    assert_eq!(beyond.header("cache-control"), "");
}

#[tokio::test]
async fn a_models_size_can_be_asked_for_and_a_kept_file_be_confirmed() {
    let hub = hub(&[]);
    let models = hub.directory.path().join(".cache/kipina/models");
    write(&models, "smollm2-135m-instruct-q4_1.gguf", "0123456789");
    let size = head(&hub.router, SMALL).await;
    assert_eq!((size.status, size.body.as_str()), (StatusCode::OK, ""));
    assert_eq!(size.header("content-length"), "10");

    let tag = size.header("etag");
    assert!(!tag.is_empty());
    let kept = get_with(&hub.router, SMALL, &[("if-none-match", tag)]).await;
    assert_eq!(kept.status, StatusCode::NOT_MODIFIED);
    assert!(kept.header("cache-control").contains("immutable"));
}

#[tokio::test]
async fn a_file_without_a_known_checksum_may_change() {
    let hub = hub(&[]);
    let listed = get(&hub.router, "/api/models").await.json();
    let models = listed["models"].as_array().unwrap();
    let unpinned = models.iter().find(|model| model["sha256"].is_null());
    let file = unpinned.expect("the catalogue has one")["file"]
        .as_str()
        .unwrap();
    write(
        &hub.directory.path().join(".cache/kipina/models"),
        file,
        "weights",
    );
    let reply = get(&hub.router, &format!("/models/{file}")).await;
    assert_eq!(reply.header("cache-control"), "no-cache");
}

/// What the page reads of each model: the fields of its own schema, as in `id: v.string(),`.
fn fields_that_the_page_reads() -> Vec<(String, String)> {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend/src/lib/hub/catalogue.ts");
    let schema = fs::read_to_string(schema).unwrap();
    let model = schema
        .split_once("const catalogueModel = v.object({")
        .expect("its schema")
        .1;
    let model = model.split_once("\n});").expect("its end").0;
    let fields = model
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_once(": v."));
    let fields = fields.filter(|(name, _)| !name.starts_with(' '));
    fields
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect()
}

fn is_of_kind(value: &Value, kind: &str) -> bool {
    if let Some(inner) = kind.strip_prefix("optional(v.") {
        return value.is_null() || is_of_kind(value, inner);
    }
    match kind.split_once('(').map_or(kind, |(name, _)| name) {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" | "pipe" => value.is_array(),
        other => panic!("this test does not know v.{other}"),
    }
}

#[tokio::test]
async fn the_list_has_every_field_that_the_page_reads_in_its_type() {
    let hub = hub(&[]);
    let fields = fields_that_the_page_reads();
    assert!(fields.len() > 10, "{fields:?}");
    let listed = get(&hub.router, "/api/models").await.json();
    let models = listed["models"].as_array().unwrap();
    assert!(!models.is_empty());
    for model in models {
        for (name, kind) in &fields {
            // The page takes an absent field for an optional one, and no null.
            let value = model.get(name);
            assert!(value != Some(&Value::Null), "{name} of {model}");
            let value = value.unwrap_or(&Value::Null);
            assert!(is_of_kind(value, kind), "{name} is no v.{kind}: {model}");
        }
        for source in model["sources"].as_array().unwrap() {
            if source["kind"] == "hugging_face" {
                assert!(source["repository"].is_string() && source["file"].is_string());
            }
        }
    }
}
