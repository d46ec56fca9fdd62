//! The built site: the files of `STATIC_DIR`, with the headers that its pages need.

use std::path::Path;

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::Response,
};
use tower_http::services::{ServeDir, ServeFile};

use crate::headers;

/// The build names what lies here by its content.
const NAMED_BY_CONTENT: &str = "/_astro/";

/// A file that lies there compressed, as `.br` or `.gz` beside itself, is sent so to whoever takes
/// it; what is not there is answered with the site's own `404.html`.
pub(crate) fn site(directory: &Path) -> Router {
    let not_found = ServeFile::new(directory.join("404.html"))
        .precompressed_br()
        .precompressed_gzip();
    let files = ServeDir::new(directory)
        .precompressed_br()
        .precompressed_gzip()
        .not_found_service(not_found);
    let site = Router::new()
        .fallback_service(files)
        .layer(middleware::from_fn(say_how_long_to_keep));
    headers::restrict_pages(site)
}

async fn say_how_long_to_keep(request: Request, next: Next) -> Response {
    let is_named_by_content = request.uri().path().starts_with(NAMED_BY_CONTENT);
    let mut response = next.run(request).await;
    let status = response.status();
    let policy = if !(status.is_success() || status == StatusCode::NOT_MODIFIED) {
        // A page that asked for a kept 404 again would hear that nothing has changed.
        HeaderValue::from_static("no-store")
    } else if is_named_by_content {
        headers::keep_for_ever()
    } else {
        // Kept, and asked for every time: ETag and Last-Modified make that a short answer.
        HeaderValue::from_static("no-cache")
    };
    response.headers_mut().insert(header::CACHE_CONTROL, policy);
    response
}
