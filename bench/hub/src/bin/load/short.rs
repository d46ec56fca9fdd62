//! Short answers, as many as go: clients that ask again as soon as they are answered.

use std::{net::SocketAddr, time::Duration};

use hub_bench::{
    client::{AskError, Connection},
    figures::Sorted,
    machine::table,
    node::Pace,
    observed::ask,
    setting::Setting,
    stamp::now,
};
use tokio::task::JoinSet;

use crate::Given;

/// Eight deltas, all at once.
pub(crate) const ANSWER: Pace = Pace {
    tokens: 8,
    every: Duration::ZERO,
};

/// So many that few come to the frames a second that the hub allows a node. Those that do are closed, and others go on
/// with what they had begun.
pub(crate) const NODES: u32 = 128;
pub(crate) const SLOTS: u32 = 8;

const CLIENTS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];
const WANTED_MILLISECONDS: f64 = 5.0;

/// What so many clients at once come to.
#[derive(Debug)]
pub(crate) struct Rate {
    pub(crate) clients: u32,
    pub(crate) per_second: f64,
    pub(crate) round_trips: Sorted,
    pub(crate) broken: usize,
}

pub(crate) async fn measure(given: &Given) -> anyhow::Result<String> {
    let setting = Setting::with_nodes(&given.hub, NODES, SLOTS, ANSWER).await?;
    let mut rates = Vec::new();
    for clients in CLIENTS {
        let before = setting.hub.computed()?;
        let rate = rate(setting.hub.address, clients, given.seconds).await?;
        let computed = (setting.hub.computed()? - before).as_secs_f64();
        let answers = rate.round_trips.len() as f64;
        rates.push((rate, computed / answers * 1e6));
    }
    let within = rates
        .iter()
        .filter(|(rate, _)| rate.round_trips.percentile(0.99) < WANTED_MILLISECONDS)
        .max_by(|(one, _), (other, _)| one.per_second.total_cmp(&other.per_second));
    let best = within.map_or_else(
        || "None had a p99 below 5 ms.".to_owned(),
        |(rate, _)| {
            format!(
                "Most with a p99 below 5 ms: {:.0} requests a second, {} clients.",
                rate.per_second, rate.clients
            )
        },
    );
    let rows: Vec<Vec<String>> = rates
        .iter()
        .map(|(rate, microseconds)| {
            vec![
                rate.clients.to_string(),
                format!("{:.0}", rate.per_second),
                rate.round_trips.words(),
                format!("{microseconds:.0} µs"),
                rate.broken.to_string(),
            ]
        })
        .collect();
    let table = table(
        &[
            "clients",
            "requests a second",
            "whole round trip",
            "processor time of the hub, each",
            "broken",
        ],
        &rows,
    );
    Ok(format!(
        "Short answers of {} deltas, {} s each. {best}\n\n{table}",
        ANSWER.tokens, given.seconds
    ))
}

pub(crate) async fn rate(
    address: SocketAddr,
    clients: u32,
    seconds: u64,
) -> Result<Rate, AskError> {
    let start = now();
    let end = start + Duration::from_secs(seconds);
    let mut running = JoinSet::new();
    for _ in 0..clients {
        running.spawn(async move {
            let mut connection = Connection::open(address, None).await?;
            let (mut round_trips, mut broken) = (Vec::new(), 0);
            while now() < end {
                let observed = ask(&mut connection, ANSWER.tokens).await?;
                if observed.complete {
                    round_trips.push(observed.whole);
                } else {
                    broken += 1;
                }
            }
            Ok::<_, AskError>((round_trips, broken))
        });
    }
    let mut all = Vec::new();
    let mut broken = 0;
    for client in running.join_all().await {
        let (round_trips, failures) = client?;
        all.extend(round_trips);
        broken += failures;
    }
    let took = now().saturating_sub(start);
    Ok(Rate {
        clients,
        per_second: all.len() as f64 / took.as_secs_f64(),
        round_trips: all.into_iter().collect(),
        broken,
    })
}
