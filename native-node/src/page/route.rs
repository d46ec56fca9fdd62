//! The page's routes, and what browsers are told with every answer.

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tokio::sync::watch;

use super::html;
use crate::{
    language::Language,
    status::{Report, Snapshot, now},
};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::VARY, "accept-language"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

type Snapshots = watch::Receiver<Snapshot>;

pub(super) fn router(snapshots: Snapshots) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/status.json", get(json))
        .route("/page.css", get(style))
        .route("/page.js", get(script))
        .with_state(snapshots)
        .layer(middleware::from_fn(guard))
}

async fn page(State(snapshots): State<Snapshots>, headers: HeaderMap) -> Response {
    let wanted = headers.get(header::ACCEPT_LANGUAGE);
    let language = preferred(wanted.and_then(|wanted| wanted.to_str().ok()));
    let report = Report::new(&snapshots.borrow(), language, now());
    match html::render(&report, language) {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::warn!("the status page can't be shown: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    snapshot: Snapshot,
    uptime_seconds: u64,
}

async fn json(State(snapshots): State<Snapshots>) -> impl IntoResponse {
    let snapshot = snapshots.borrow().clone();
    let uptime_seconds = now().saturating_sub(snapshot.started_at);
    Json(Told {
        snapshot,
        uptime_seconds,
    })
}

async fn style() -> impl IntoResponse {
    let kind = "text/css; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], include_str!("page.css"))
}

async fn script() -> impl IntoResponse {
    let kind = "text/javascript; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], include_str!("page.js"))
}

/// A page on the web may have its own name point to this machine, and would then count as the same
/// origin (DNS rebinding). Its name gives it away.
async fn guard(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let is_ours = host
        .and_then(|host| host.to_str().ok())
        .is_some_and(is_this_machine);
    let mut response = if is_ours {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    };
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whatever the port: it may be forwarded.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["127.0.0.1", "[::1]"].contains(&name) || name.eq_ignore_ascii_case("localhost")
}

/// The one of the two languages that a browser's `Accept-Language` ranks first.
fn preferred(wanted: Option<&str>) -> Language {
    let mut best = (Language::English, 0.0);
    for part in wanted.unwrap_or_default().split(',') {
        let (tag, weight) = part.split_once(";q=").unwrap_or((part, "1"));
        let weight: f32 = weight.trim().parse().unwrap_or(0.0);
        let primary = tag.trim().split('-').next().map(str::to_ascii_lowercase);
        let language = match primary.as_deref() {
            Some("fi") => Language::Finnish,
            Some("en") => Language::English,
            _ => continue,
        };
        if weight > best.1 {
            best = (language, weight);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_own_names_are_answered() {
        for ours in ["127.0.0.1:3210", "localhost", "LOCALHOST:80", "[::1]:3210"] {
            assert!(is_this_machine(ours), "{ours}");
        }
        for other in [
            "evil.example",
            "evil.example:3210",
            "127.0.0.1.evil.example:3210",
            "localhost.evil.example",
            "127.0.0.1:3210:3210",
            "127.0.0.1@evil.example",
            "",
            ":3210",
        ] {
            assert!(!is_this_machine(other), "{other}");
        }
    }

    #[test]
    fn the_browsers_language_is_spoken() {
        for (wanted, language) in [
            (Some("fi-FI,fi;q=0.9,en;q=0.8"), Language::Finnish),
            (Some("en-GB,en;q=0.9,fi;q=0.8"), Language::English),
            (Some("sv,fi;q=0.5,en;q=0.4"), Language::Finnish),
            (Some("fil"), Language::English),
            (Some("de"), Language::English),
            (Some(";;,q=,é"), Language::English),
            (None, Language::English),
        ] {
            assert_eq!(preferred(wanted), language, "{wanted:?}");
        }
    }
}
