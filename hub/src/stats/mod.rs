//! Who computes what, for anybody who asks: `GET /api/stats`, its live feed, and the past. Nothing of
//! prompts, addresses or keys is in any of it.

mod history;
mod listeners;
mod live;

use axum::{Json, extract::State};
use protocol::Stats;

use crate::{dispatch::Dispatcher, state::Hub, store::StoreReader};

pub(crate) use history::history;
pub use live::LiveStats;
pub(crate) use live::live;

pub(crate) async fn stats(State(hub): State<Hub>) -> Json<Stats> {
    Json(now(&hub.dispatcher, &hub.store).await)
}

async fn now(dispatcher: &Dispatcher, store: &StoreReader) -> Stats {
    let (snapshot, totals) = tokio::join!(dispatcher.snapshot(), store.totals());
    Stats {
        nodes: snapshot.nodes,
        queue: snapshot.queue,
        totals,
        rates: snapshot.rates,
    }
}
