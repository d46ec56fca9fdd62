//! Response headers that concern browsers.

use std::time::Duration;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, header},
};
use tower_http::{
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
    set_header::SetResponseHeaderLayer,
};

use crate::{
    access::RATE_HEADERS,
    error::{EXPECTED_WAIT, QUEUE_POSITION},
    net::OriginPolicy,
};

/// What the site's pages may do: no code but the hub's own files and WebAssembly, and no other server
/// but Hugging Face's, for models that the hub does not have.
const SITE_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; img-src 'self'; font-src 'self'; \
    connect-src 'self' https://huggingface.co https://*.huggingface.co https://*.hf.co; \
    worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// What is no page runs nothing and stands in no frame, even where a browser is led to show it.
const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What no page of ours asks for.
const PERMISSIONS: &str =
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Pages of these origins may call the API and read its answers. The same pages may join as
/// nodes: whoever may lend a machine may use one.
pub(crate) fn cross_origin(policy: OriginPolicy) -> CorsLayer {
    let allowed = AllowOrigin::predicate(move |origin, request| {
        policy.allows(origin, request.headers.get(header::HOST))
    });
    let exposed = ["x-request-id", "x-kipina-task", "retry-after"];
    let exposed: Vec<HeaderName> = exposed
        .into_iter()
        .chain(RATE_HEADERS)
        .map(HeaderName::from_static)
        .chain([QUEUE_POSITION, EXPECTED_WAIT])
        .collect();
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        // OpenAI's client sends a dozen headers about itself, and more with each version.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed)
        // A page on the web that the operator allows may reach a hub in his own network.
        .allow_private_network(true)
        .max_age(Duration::from_secs(600))
}

/// For the site's files only: answers of the API are no pages, and whatever else is one has its own.
pub(crate) fn restrict_pages(router: Router) -> Router {
    router.layer(set("content-security-policy", SITE_POLICY))
}

/// For what never changes under its name.
pub(crate) fn keep_for_ever() -> HeaderValue {
    HeaderValue::from_static("public, max-age=31536000, immutable")
}

/// For every answer. Among it is cross-origin isolation, without which a page gets no shared memory
/// and so no threads. `Strict-Transport-Security` is the word of whoever ends TLS.
pub(crate) fn isolate_pages(router: Router) -> Router {
    router
        .layer(set("content-security-policy", POLICY))
        .layer(set("permissions-policy", PERMISSIONS))
        .layer(set("referrer-policy", "no-referrer"))
        .layer(set("cross-origin-opener-policy", "same-origin"))
        .layer(set("cross-origin-embedder-policy", "require-corp"))
        .layer(set("cross-origin-resource-policy", "same-origin"))
        .layer(set("x-content-type-options", "nosniff"))
}

fn set(name: &'static str, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    )
}
