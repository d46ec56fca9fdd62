//! The span of an HTTP request. It goes on where the caller's trace has begun.

use axum::{
    extract::{MatchedPath, Request},
    http::HeaderMap,
};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tower_http::request_id::RequestId;
use tracing::{Span, debug_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// W3C's header for the trace that a request belongs to.
const TRACE_PARENT: &str = "traceparent";

pub(crate) fn request_span(request: &Request) -> Span {
    let method = request.method().as_str();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or_default();
    // At this level it costs nothing where nobody collects traces, and the terminal's lines stay short.
    let span = debug_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        request_id,
        http.request.method = method,
        http.route = route,
    );
    continue_trace(&span, request.headers());
    span
}

fn continue_trace(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() || !headers.contains_key(TRACE_PARENT) {
        return;
    }
    let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // Fails only where no layer collects traces.
    let _ = span.set_parent(parent);
}
