//! `GET /api/admin/audit-log`: what operators changed, the latest first.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};

use super::{LoggedEntry, Operator};
use crate::{error::ApiError, state::Hub};

const USUAL_PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 500;

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    /// Entries from before this one.
    before: Option<u64>,
    limit: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct Page {
    entries: Vec<LoggedEntry>,
    /// What to ask for as `before` to go on; null where nothing is older.
    next_before: Option<u64>,
}

pub(super) async fn page(
    _operator: Operator,
    State(hub): State<Hub>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Page>, ApiError> {
    let Query(Parameters { before, limit }) =
        parameters.map_err(|error| ApiError::invalid("before", error.body_text()))?;
    let limit = limit.unwrap_or(USUAL_PAGE);
    if !(1..=LONGEST_PAGE).contains(&limit) {
        let message = format!("'limit' must be from 1 to {LONGEST_PAGE}");
        return Err(ApiError::invalid("limit", message));
    }
    // Ids are SQLite's, which has no larger ones.
    let before = before.map(|before| before.min(i64::MAX as u64));
    // One more than was asked for tells whether there is more.
    let read = hub.store.admin_log(before, limit + 1).await;
    let mut entries = read.map_err(|error| ApiError::database(&error))?;
    let is_cut = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let last = entries.last().map(|entry| entry.id);
    Ok(Json(Page {
        next_before: last.filter(|_| is_cut),
        entries,
    }))
}
