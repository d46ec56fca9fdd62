//! Whether the hub lives, and whether it is ready for work: for whoever restarts it or sends it requests.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::state::Hub;

/// A check that takes longer has failed. Those who ask usually wait a second or more.
const PATIENCE: Duration = Duration::from_millis(900);

#[derive(Serialize)]
pub(crate) struct Alive {
    status: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    checks: Checks,
}

#[derive(Serialize)]
struct Checks {
    /// What happens is written down. Prompts are answered without it.
    database: Check,
    /// Prompts find their way to nodes.
    dispatcher: Check,
    /// New prompts are taken.
    accepting: Check,
}

#[derive(Serialize)]
struct Check {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

/// `GET /healthz`: the process answers. Whatever asks nothing else of it must not restart it for less.
pub(crate) async fn alive() -> Json<Alive> {
    Json(Alive {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// `GET /readyz`: 200, or 503 with what is missing.
pub(crate) async fn ready(State(hub): State<Hub>) -> Response {
    let dispatcher = tokio::time::timeout(PATIENCE, hub.dispatcher.load());
    let (writable, load) = tokio::join!(hub.store.is_writable(PATIENCE), dispatcher);
    let load = load.ok().flatten();
    let checks = Checks {
        database: Check::new(
            writable,
            "the database takes no writes; the hub's log says why. Prompts are answered, statistics are lost",
        ),
        dispatcher: Check::new(load.is_some(), "the dispatcher does not answer"),
        accepting: Check::new(
            load.is_some_and(|load| !load.draining),
            "the hub is stopping and takes no more prompts",
        ),
    };
    let is_ready = checks.database.ok && checks.dispatcher.ok && checks.accepting.ok;
    let (code, status) = if is_ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    let not_kept = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (code, not_kept, Json(Ready { status, checks })).into_response()
}

impl Check {
    fn new(ok: bool, otherwise: &'static str) -> Self {
        Self {
            ok,
            message: (!ok).then_some(otherwise),
        }
    }
}
