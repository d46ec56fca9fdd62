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

use crate::net::OriginPolicy;

/// Pages of these origins may call the API and read its answers. The same pages may join as
/// nodes: whoever may lend a machine may use one.
pub(crate) fn cross_origin(policy: OriginPolicy) -> CorsLayer {
    let allowed = AllowOrigin::predicate(move |origin, request| {
        policy.allows(origin, request.headers.get(header::HOST))
    });
    let exposed = ["x-request-id", "x-kipina-task", "retry-after"].map(HeaderName::from_static);
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

/// Cross-origin isolation, without which a page gets no shared memory and so no threads.
pub(crate) fn isolate_pages(router: Router) -> Router {
    let set = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    router
        .layer(set("cross-origin-opener-policy", "same-origin"))
        .layer(set("cross-origin-embedder-policy", "require-corp"))
        .layer(set("cross-origin-resource-policy", "same-origin"))
        .layer(set("x-content-type-options", "nosniff"))
}
