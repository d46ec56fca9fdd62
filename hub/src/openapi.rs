//! `GET /api/openapi.json`: what the hub answers, in words for programs. Written by hand, and held
//! against the router by `tests/openapi.rs`.

use axum::{http::header, response::IntoResponse};

const DOCUMENT: &str = include_str!("openapi.json");

pub(crate) async fn openapi() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, DOCUMENT)
}
