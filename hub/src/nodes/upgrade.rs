//! `GET /ws`: lets a node in where its origin and address may connect.

use axum::{
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};

use crate::{error::ApiError, net::Admission, state::Hub};

pub(crate) async fn upgrade(
    State(hub): State<Hub>,
    admission: Admission,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|_rejection| ApiError::UpgradeRequired { path: "/ws" })?;
    tracing::debug!("a node connects from {}", admission.address);
    Ok(hub
        .node_gate
        .accept(upgrade, admission.address, admission.permit))
}
