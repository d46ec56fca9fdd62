//! `GET /ws`: lets a node in where its origin and address may connect.

use axum::{
    extract::{State, ws::WebSocketUpgrade},
    response::Response,
};

use crate::{net::Admission, state::Hub};

pub(crate) async fn upgrade(
    State(hub): State<Hub>,
    admission: Admission,
    upgrade: WebSocketUpgrade,
) -> Response {
    tracing::debug!("a node connects from {}", admission.address);
    hub.node_gate
        .accept(upgrade, admission.address, admission.permit)
}
