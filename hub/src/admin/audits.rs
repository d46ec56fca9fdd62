//! `/api/admin/audits`: how nodes stand, what was said of them, and who may come back.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    LogEntry, Operator,
    page::{Asked, Parameters},
};
use crate::{
    dispatch::{AuditCounts, Identity, NodeStanding, Suspended},
    error::ApiError,
    state::Hub,
    store::{StoredChange, StoredSuspension, StoredVerdict},
};

#[derive(Debug, Serialize)]
pub(super) struct Overview {
    counts: AuditCounts,
    standings: Vec<NodeStanding>,
    suspended: Vec<SuspendedView>,
}

/// What the database lost is absent.
#[derive(Debug, Serialize)]
struct SuspendedView {
    identity: String,
    node_name: Option<String>,
    model: Option<String>,
    at_ms: Option<u64>,
    /// Of those who are here.
    node_ids: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Verdicts {
    verdicts: Vec<StoredVerdict>,
    /// What to ask for as `before` to go on; null where nothing is older.
    next_before: Option<u64>,
}

pub(super) async fn overview(
    _operator: Operator,
    State(hub): State<Hub>,
) -> Result<Json<Overview>, ApiError> {
    let mut stored = stored_suspensions(&hub).await?;
    let now = hub.dispatcher.audits().await;
    let suspended = now.suspended.into_iter();
    Ok(Json(Overview {
        counts: now.counts,
        standings: now.standings,
        suspended: suspended
            .map(|it| view(stored.remove(&it.identity.0), it))
            .collect(),
    }))
}

pub(super) async fn verdicts(
    _operator: Operator,
    State(hub): State<Hub>,
    parameters: Parameters,
) -> Result<Json<Verdicts>, ApiError> {
    let asked = Asked::of(parameters)?;
    let read = hub.store.audit_verdicts(asked.before, asked.rows()).await;
    let read = read.map_err(|error| ApiError::database(&error))?;
    let (verdicts, next_before) = asked.page(read, |verdict| verdict.id);
    Ok(Json(Verdicts {
        verdicts,
        next_before,
    }))
}

/// Written down before it counts, so that no restart takes it back.
pub(super) async fn reinstate(
    operator: Operator,
    State(hub): State<Hub>,
    identity: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, ApiError> {
    let Path(identity) = identity?;
    let now = hub.dispatcher.audits().await;
    if !now.suspended.iter().any(|it| it.identity.0 == identity) {
        return Err(ApiError::NoSuchThing {
            message: "nobody with this identity is suspended; GET /api/admin/audits lists who is"
                .to_owned(),
        });
    }
    let name = stored_suspensions(&hub).await?.remove(&identity);
    let subject = name.map_or_else(|| "node".to_owned(), |it| format!("node {}", it.node_name));
    let details = json!({ "identity": identity });
    let entry = LogEntry::now(operator.author, "node.reinstated", subject, details);
    let (dispatcher, pardoned) = (hub.dispatcher.clone(), Identity(identity.clone()));
    let stored = vec![StoredChange::Reinstated(pardoned.clone())];
    let reinstate = async move { dispatcher.reinstate(pardoned).await };
    hub.admin.record_and_do(stored, entry, reinstate).await?;
    Ok(Json(json!({ "identity": identity, "suspended": false })))
}

async fn stored_suspensions(hub: &Hub) -> Result<HashMap<String, StoredSuspension>, ApiError> {
    let stored = hub.store.suspensions().await;
    let stored = stored.map_err(|error| ApiError::database(&error))?;
    let named = stored.into_iter().map(|it| (it.identity.clone(), it));
    Ok(named.collect())
}

fn view(stored: Option<StoredSuspension>, now: Suspended) -> SuspendedView {
    let at_ms = stored.as_ref().map(|it| it.at_ms);
    let (node_name, model) = stored.map(|it| (it.node_name, it.model)).unzip();
    SuspendedView {
        identity: now.identity.0,
        node_name,
        model,
        at_ms,
        node_ids: now.node_ids,
    }
}
