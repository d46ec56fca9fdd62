//! `GET /api/stats`: who computes what, for anybody who asks.

use axum::{Json, extract::State};
use protocol::Stats;

use crate::state::Hub;

pub(crate) async fn stats(State(hub): State<Hub>) -> Json<Stats> {
    let (snapshot, totals) = tokio::join!(hub.dispatcher.snapshot(), hub.store.totals());
    Json(Stats {
        nodes: snapshot.nodes,
        queue: snapshot.queue,
        totals,
    })
}
