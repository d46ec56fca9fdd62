//! The table of URLs.

use std::path::Path;

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri, Request, State},
    http::Method,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use tower_http::{
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    trace::TraceLayer,
};

use crate::{
    admin, downloads,
    error::ApiError,
    headers, health,
    metrics::{measure, metrics},
    models, nodes,
    openai::{create_chat_completion, list_models, retrieve_model},
    openapi::openapi,
    page::page,
    serve::{answer_in_time, limit_requests},
    site::site,
    state::Hub,
    stats::{history, live, stats},
    trace::request_span,
};

/// Everything that the hub answers. Without a `static_directory` a small page stands in for it.
pub fn router(hub: Hub, static_directory: Option<&Path>) -> Router {
    let in_time = || middleware::from_fn_with_state(hub.clone(), answer_in_time);
    let counted = middleware::from_fn_with_state(hub.metrics.clone(), measure);
    let v1 = Router::new()
        .route("/models", get(list_models))
        .route("/models/{*id}", get(retrieve_model))
        .layer(in_time())
        .route("/chat/completions", post(create_chat_completion))
        .layer(DefaultBodyLimit::max(hub.max_body_bytes));
    let api = Router::new()
        .route("/stats", get(stats))
        .route("/stats/live", get(live))
        .route("/history", get(history))
        .route("/models", get(models::list))
        .route("/version", get(downloads::version))
        .route("/openapi.json", get(openapi))
        .layer(in_time());
    let admin = admin::routes(hub.max_body_bytes).layer(in_time());
    let called_from_pages = Router::new()
        .nest("/v1", as_json(v1))
        .nest("/api", as_json(api))
        // Nesting leaves these two out.
        .route("/v1/", any(nothing_here))
        .route("/api/", any(nothing_here))
        .route("/models/{file}", get(models::file))
        .layer(middleware::from_fn_with_state(
            hub.clone(),
            refuse_foreign_pages,
        ))
        .layer(headers::cross_origin(hub.gate.origins.clone()));

    let fetched = Router::new()
        .route("/metrics", get(metrics))
        .route("/kipina-node", get(downloads::join_with_bash))
        .route("/kipina-node.ps1", get(downloads::join_with_powershell))
        .route("/join.sh", get(downloads::join_from_source))
        .route("/download/{file}", get(downloads::file))
        .layer(in_time());
    let limited = middleware::from_fn_with_state(hub.clone(), limit_requests);
    let router = Router::new()
        .route("/ws", get(nodes::upgrade))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .merge(fetched)
        .merge(called_from_pages)
        .nest("/api/admin", as_json(admin))
        .with_state(hub);
    let router = match static_directory {
        Some(directory) => router.fallback_service(site(directory)),
        None => router.route("/", get(page)),
    };
    headers::isolate_pages(router.layer(limited))
        .layer(counted)
        // A refusal is no failure of the hub; what fails is logged where it is handled.
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(request_span)
                .on_failure(()),
        )
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// What a program calls answers it in JSON even where there is nothing.
fn as_json(router: Router<Hub>) -> Router<Hub> {
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(method_not_allowed)
}

async fn nothing_here(OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::NotFound {
        path: uri.path().to_owned(),
    }
}

async fn method_not_allowed(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::MethodNotAllowed {
        method: method.to_string(),
        path: uri.path().to_owned(),
    }
}

/// CORS alone keeps a foreign page from reading an answer, not from having it computed.
async fn refuse_foreign_pages(State(hub): State<Hub>, request: Request, next: Next) -> Response {
    match hub.gate.check_origin(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => ApiError::from(refused).into_response(),
    }
}
