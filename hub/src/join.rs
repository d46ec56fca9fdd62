//! `GET /ws`: lets a node in.

use axum::{
    extract::{State, ws::WebSocketUpgrade},
    response::Response,
};

use crate::{net::Admission, state::Hub};

pub(crate) async fn join(
    State(hub): State<Hub>,
    admission: Admission,
    upgrade: WebSocketUpgrade,
) -> Response {
    tracing::debug!("a node connects from {}", admission.address);
    hub.node_gate
        .accept(upgrade, admission.address, admission.permit)
}
