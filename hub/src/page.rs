//! The page of a hub without a studio: says what this is and how to call it.

use axum::response::{Html, IntoResponse};

const PAGE: &str = include_str!("page.html");

pub(crate) async fn page() -> impl IntoResponse {
    Html(PAGE)
}
