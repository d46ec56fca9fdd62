//! What a prompt costs with ever more nodes that could answer it.

use std::time::Duration;

use hub_bench::{
    client::Connection, figures::Sorted, machine::table, node::Pace, observed::ask,
    setting::Setting,
};

use crate::Given;

const PROMPTS: usize = 300;
const PACE: Pace = Pace {
    tokens: 1,
    every: Duration::ZERO,
};

pub(crate) async fn measure(given: &Given) -> anyhow::Result<String> {
    let mut setting = Setting::hub(&given.hub)?;
    let mut rows = Vec::new();
    let mut joined = 0;
    for nodes in [10, 100, 1000, 10_000] {
        if nodes > given.idle_nodes {
            break;
        }
        setting.join(nodes - joined, 1, PACE).await?;
        joined = nodes;
        let (round_trips, microseconds) = prompts(&setting).await?;
        rows.push(vec![
            nodes.to_string(),
            round_trips.words(),
            format!("{microseconds:.0} µs"),
        ]);
    }
    let table = table(
        &[
            "nodes",
            "a prompt with an answer of one token",
            "processor time of the hub, each",
        ],
        &rows,
    );
    Ok(format!(
        "Growth with nodes, all of them free and fit for the prompt:\n\n{table}"
    ))
}

/// Prompts one after the other: their round trips, and the hub's processor time for each.
pub(crate) async fn prompts(setting: &Setting) -> anyhow::Result<(Sorted, f64)> {
    let mut connection = Connection::open(setting.hub.address, None).await?;
    let mut round_trips = Vec::new();
    let before = setting.hub.computed()?;
    for _ in 0..PROMPTS {
        let observed = ask(&mut connection, PACE.tokens).await?;
        anyhow::ensure!(observed.complete, "an answer was not whole");
        round_trips.push(observed.whole);
    }
    let computed = setting.hub.computed()? - before;
    let each = computed.as_secs_f64() / PROMPTS as f64 * 1e6;
    Ok((round_trips.into_iter().collect(), each))
}
