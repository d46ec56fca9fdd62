//! The operator's side of the hub: logging in, keys, and the log of what was changed.
//!
//! A handler that takes an [`Operator`] is closed to everybody else. What it changes goes through
//! [`Admin::record_and_do`], unless the change itself is written down together with its entry, as keys are.

mod audit_log;
mod audits;
mod body;
mod cookie;
mod key_handlers;
mod key_views;
mod log;
mod log_handlers;
mod login;
mod node_handlers;
mod node_views;
mod operator;
mod page;
mod password;
mod queue_handlers;
mod rule_handlers;
mod same_site;
mod session_handlers;
mod sessions;
mod settings_handlers;
mod throttle;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    routing::{delete, get, post},
};
use serde_json::Value;
use tokio::sync::Semaphore;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::{
    config::Config,
    error::ApiError,
    state::Hub,
    store::{AdminStore, StoreError, StoredChange},
};
use login::Login;
use password::Password;

pub use log::{Author, LogEntry, LoggedEntry, Who};
pub(crate) use operator::Operator;
pub use password::PasswordError;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Admin {
    store: AdminStore,
    way_in: WayIn,
    /// Places for those who read the log.
    log_readers: Arc<Semaphore>,
}

/// How an operator gets in, beside a key with the scope `admin`.
#[derive(Clone, Debug)]
enum WayIn {
    Password(Login),
    /// Whoever is at this machine: the hub listens to nobody else, and has no password.
    ThisMachine,
    /// Not at all: others could come, and there is no password.
    Closed,
}

impl Admin {
    /// Hashes the password, which takes a moment.
    ///
    /// # Errors
    /// Where the system gives no random numbers, or the password can't be hashed.
    pub fn new(config: &Config, store: AdminStore) -> Result<Self, PasswordError> {
        let way_in = match &config.admin_password {
            Some(password) => WayIn::Password(Login::start(Password::hash(password)?)),
            None if config.bind.is_loopback() => WayIn::ThisMachine,
            None => WayIn::Closed,
        };
        Ok(Self {
            store,
            way_in,
            log_readers: Arc::new(Semaphore::new(log_handlers::READERS)),
        })
    }

    pub(crate) fn store(&self) -> AdminStore {
        self.store.clone()
    }

    /// Writes down what an operator does: `action` as in `node.drained`, `subject` in words.
    pub async fn record(
        &self,
        author: Author,
        action: &'static str,
        subject: impl Into<String>,
        details: Value,
    ) -> Result<(), StoreError> {
        let entry = LogEntry::now(author, action, subject, details);
        self.store.write_entry(entry).await
    }

    /// Writes down what an operator changes, and then does it: what could not be written is not done, and what was
    /// written is done, even where whoever asked leaves meanwhile.
    pub(crate) async fn record_and_do<T: Send + 'static>(
        &self,
        changes: Vec<StoredChange>,
        entry: LogEntry,
        act: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let store = self.store.clone();
        let doing = tokio::spawn(async move {
            store.write(changes, entry).await?;
            Ok(act.await)
        });
        let done: Result<T, StoreError> = doing
            .await
            .map_err(|panic| ApiError::internal(panic.to_string()))?;
        done.map_err(|error| ApiError::database(&error))
    }
}

/// Everything under `/api/admin`. For the hub's own pages: others get no leave to read its answers.
pub(crate) fn routes(max_body_bytes: usize) -> Router<Hub> {
    let no_store = HeaderValue::from_static("no-store");
    Router::new()
        .route("/login", post(session_handlers::log_in))
        .route("/logout", post(session_handlers::log_out))
        .route("/session", get(session_handlers::session))
        .route("/keys", get(key_handlers::list).post(key_handlers::create))
        .route(
            "/keys/{id}",
            get(key_handlers::show)
                .patch(key_handlers::amend)
                .delete(key_handlers::revoke),
        )
        .route("/keys/{id}/rotate", post(key_handlers::rotate))
        .route("/nodes", get(node_handlers::list))
        .route(
            "/nodes/{id}/drain",
            post(node_handlers::drain).delete(node_handlers::end_drain),
        )
        .route(
            "/nodes/{id}/trust",
            post(node_handlers::trust).delete(node_handlers::distrust),
        )
        .route("/nodes/{id}/ban", post(rule_handlers::ban))
        .route("/node-rules", get(rule_handlers::list_rules))
        .route("/node-rules/{id}", delete(rule_handlers::take_back))
        .route("/queue", get(queue_handlers::list))
        .route("/queue/{id}", delete(queue_handlers::cancel))
        .route(
            "/settings",
            get(settings_handlers::list).patch(settings_handlers::change),
        )
        .route("/log", get(log_handlers::follow))
        .route("/audits", get(audits::overview))
        .route("/audits/verdicts", get(audits::verdicts))
        .route("/audits/{identity}/reinstate", post(audits::reinstate))
        .route("/audit-log", get(audit_log::page))
        .layer(DefaultBodyLimit::max(max_body_bytes))
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            no_store,
        ))
}
