//! `GET /api/history`: what the network answered in the last day, week or month.

use std::time::SystemTime;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use protocol::{History, HistoryRange};
use serde::Deserialize;

use crate::{
    error::ApiError,
    state::Hub,
    store::{HistoryQuery, UtcOffset},
};

#[derive(Debug, Deserialize)]
pub(crate) struct Parameters {
    range: Option<String>,
    /// Minutes east of UTC, so that days begin at the reader's midnight.
    utc_offset: Option<String>,
}

pub(crate) async fn history(
    State(hub): State<Hub>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<History>, ApiError> {
    let Query(parameters) =
        parameters.map_err(|error| ApiError::invalid("range", error.body_text()))?;
    let query = HistoryQuery {
        range: range(parameters.range.as_deref())?,
        offset: offset(parameters.utc_offset.as_deref())?,
    };
    match hub.store.history(query, SystemTime::now()).await {
        Ok(history) => Ok(Json(history)),
        Err(error) => {
            tracing::warn!("no history: {error}");
            Err(ApiError::no_history())
        }
    }
}

fn range(named: Option<&str>) -> Result<HistoryRange, ApiError> {
    let Some(name) = named else {
        return Ok(HistoryRange::Day);
    };
    HistoryRange::ALL
        .into_iter()
        .find(|range| range.name() == name)
        .ok_or_else(|| ApiError::invalid("range", "range must be day, week or month"))
}

fn offset(told: Option<&str>) -> Result<UtcOffset, ApiError> {
    let Some(told) = told else {
        return Ok(UtcOffset::default());
    };
    let minutes = told.parse().ok();
    minutes.and_then(UtcOffset::from_minutes).ok_or_else(|| {
        ApiError::invalid(
            "utc_offset",
            "utc_offset must be minutes east of UTC: a multiple of 15 from -840 to 840",
        )
    })
}
