//! `GET /api/admin/audit-log`: what operators changed, the latest first.

use axum::{Json, extract::State};
use serde::Serialize;

use super::{
    LoggedEntry, Operator,
    page::{Asked, Parameters},
};
use crate::{error::ApiError, state::Hub};

#[derive(Debug, Serialize)]
pub(super) struct Page {
    entries: Vec<LoggedEntry>,
    /// What to ask for as `before` to go on; null where nothing is older.
    next_before: Option<u64>,
}

pub(super) async fn page(
    _operator: Operator,
    State(hub): State<Hub>,
    parameters: Parameters,
) -> Result<Json<Page>, ApiError> {
    let asked = Asked::of(parameters)?;
    let read = hub.store.admin_log(asked.before, asked.rows()).await;
    let read = read.map_err(|error| ApiError::database(&error))?;
    let (entries, next_before) = asked.page(read, |entry| entry.id);
    Ok(Json(Page {
        entries,
        next_before,
    }))
}
