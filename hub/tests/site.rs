//! The site's files and their headers.

mod support;

use std::{fs, path::Path};

use axum::http::StatusCode;
use support::local::{Fixture, get, get_with, head, hub, write};

const FOREVER: &str = "public, max-age=31536000, immutable";

struct Site {
    hub: Fixture,
    /// Removed with the test.
    _files: tempfile::TempDir,
}

fn site(files: &[(&str, &str)]) -> Site {
    let directory = tempfile::TempDir::new().unwrap();
    for (name, content) in files {
        write(directory.path(), name, content);
    }
    Site {
        hub: hub(&[("STATIC_DIR", directory.path().to_str().unwrap())]),
        _files: directory,
    }
}

#[tokio::test]
async fn the_studio_is_served_where_there_is_one() {
    let site = site(&[
        ("index.html", "<title>Studio</title>"),
        ("404.html", "<title>Ei löydy</title>"),
        ("docs/index.html", "<title>Docs</title>"),
    ]);
    assert!(get(&site.hub.router, "/").await.body.contains("Studio"));
    assert!(get(&site.hub.router, "/docs/").await.body.contains("Docs"));
    let missing = get(&site.hub.router, "/nothing").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.body.contains("Ei löydy"));
    assert_eq!(
        get(&site.hub.router, "/../../etc/passwd").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        get(&site.hub.router, "/healthz").await.status,
        StatusCode::OK
    );
}

/// The header lines that the pages' own README demands of whoever serves them.
fn demanded_headers() -> Vec<(String, String)> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend/README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let headers = readme.split_once("## Headers").expect("it says which").1;
    let block = headers.split("```").nth(1).expect("it lists them");
    let lines = block.lines().filter_map(|line| line.split_once(": "));
    lines
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect()
}

#[tokio::test]
async fn every_file_of_the_site_has_the_headers_that_its_readme_demands() {
    let site = site(&[
        ("index.html", "page"),
        ("404.html", "not here"),
        ("_astro/app.js", "code"),
        ("wasm/plain/node_bg.wasm", "\0asm"),
    ]);
    let demanded = demanded_headers();
    assert!(demanded.len() >= 5, "{demanded:?}");
    for path in [
        "/",
        "/nothing",
        "/_astro/app.js",
        "/wasm/plain/node_bg.wasm",
    ] {
        let reply = get(&site.hub.router, path).await;
        for (name, value) in &demanded {
            assert_eq!(reply.header(name), value, "{name} of {path}");
        }
        let resource_policy = reply.header("cross-origin-resource-policy");
        assert_eq!(resource_policy, "same-origin", "{path}");
    }
}

#[tokio::test]
async fn answers_of_the_api_are_isolated_but_are_no_pages() {
    let site = site(&[("index.html", "page")]);
    for path in ["/api/stats", "/v1/models", "/api/models", "/healthz"] {
        let reply = get(&site.hub.router, path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        let policy = reply.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("self"),
            "{path}: {policy}"
        );
        assert_eq!(reply.header("cache-control"), "", "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        let embedder_policy = reply.header("cross-origin-embedder-policy");
        assert_eq!(embedder_policy, "require-corp", "{path}");
    }
}

#[tokio::test]
async fn a_hub_without_a_site_restricts_its_own_page_as_well() {
    let hub = hub(&[]);
    let reply = get(&hub.router, "/").await;
    assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin");
    let policy = reply.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!reply.body.contains("<script"), "{policy}");
}

#[tokio::test]
async fn what_is_named_by_its_content_is_kept_for_ever_and_the_rest_asked_for_again() {
    let site = site(&[
        ("index.html", "page"),
        ("404.html", "not here"),
        ("favicon.svg", "<svg/>"),
        ("_astro/app.C0ffee.js", "code"),
        ("wasm/threads/node_bg.wasm", "\0asm"),
    ]);
    for (path, policy) in [
        ("/", "no-cache"),
        ("/favicon.svg", "no-cache"),
        ("/wasm/threads/node_bg.wasm", "no-cache"),
        ("/_astro/app.C0ffee.js", FOREVER),
        // Gone with the next build: a kept 404 would outlive it.
        ("/_astro/app.0ld.js", "no-store"),
        ("/nothing", "no-store"),
    ] {
        let reply = get(&site.hub.router, path).await;
        assert_eq!(reply.header("cache-control"), policy, "{path}");
    }
}

#[tokio::test]
async fn a_reload_of_what_has_not_changed_transfers_nothing() {
    let wasm = "/wasm/plain/node_bg.wasm";
    let site = site(&[("wasm/plain/node_bg.wasm", "\0asm and three megabytes")]);
    let first = get(&site.hub.router, wasm).await;
    let (tag, time) = (first.header("etag"), first.header("last-modified"));
    assert!(!tag.is_empty() && !time.is_empty());
    for validators in [
        vec![("if-none-match", tag), ("if-modified-since", time)],
        vec![("if-none-match", tag)],
        vec![("if-modified-since", time)],
    ] {
        let again = get_with(&site.hub.router, wasm, &validators).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{validators:?}");
        assert_eq!(again.body, "");
        assert_eq!(again.header("cache-control"), "no-cache");
        let embedder_policy = again.header("cross-origin-embedder-policy");
        assert_eq!(embedder_policy, "require-corp");
    }
    let newer = get_with(&site.hub.router, wasm, &[("if-none-match", "\"old\"")]).await;
    assert_eq!(newer.status, StatusCode::OK);
}

#[tokio::test]
async fn browsers_are_told_what_each_file_is() {
    let site = site(&[
        ("index.html", "page"),
        ("_astro/app.js", "code"),
        ("_astro/style.css", "style"),
        ("wasm/plain/node_bg.wasm", "\0asm"),
        ("favicon.svg", "<svg/>"),
    ]);
    for (path, kind) in [
        ("/", "text/html"),
        ("/_astro/app.js", "text/javascript"),
        ("/_astro/style.css", "text/css"),
        ("/wasm/plain/node_bg.wasm", "application/wasm"),
        ("/favicon.svg", "image/svg+xml"),
    ] {
        let reply = head(&site.hub.router, path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        assert_eq!(reply.header("content-type"), kind, "{path}");
        assert_eq!(reply.body, "");
    }
}

#[tokio::test]
async fn what_lies_there_compressed_is_sent_so_to_whoever_takes_it() {
    let site = site(&[
        ("index.html", "page"),
        ("node_bg.wasm", "plain"),
        ("node_bg.wasm.br", "brotli"),
        ("node_bg.wasm.gz", "gzip"),
    ]);
    for (accepted, encoding, body) in [
        ("gzip, deflate, br, zstd", "br", "brotli"),
        ("gzip", "gzip", "gzip"),
        ("identity", "", "plain"),
    ] {
        let accept = [("accept-encoding", accepted)];
        let reply = get_with(&site.hub.router, "/node_bg.wasm", &accept).await;
        assert_eq!(reply.header("content-encoding"), encoding, "{accepted}");
        assert_eq!(reply.body, body, "{accepted}");
        assert_eq!(reply.header("content-type"), "application/wasm");
        let varies = reply.header("vary").to_lowercase();
        assert!(varies.contains("accept-encoding"), "{varies}");
    }
    let accept = [("accept-encoding", "br")];
    let reply = get_with(&site.hub.router, "/", &accept).await;
    assert_eq!(reply.body, "page", "not everything need be compressed");
}

#[tokio::test]
async fn a_site_without_a_page_for_it_answers_what_is_missing_with_the_bare_status() {
    let site = site(&[("index.html", "page")]);
    let missing = get(&site.hub.router, "/nothing").await;
    assert_eq!(
        (missing.status, missing.body.as_str()),
        (StatusCode::NOT_FOUND, "")
    );
}
