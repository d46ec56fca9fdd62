//! Thousands of nodes that are connected and have nothing to do.

use std::time::Duration;

use hub_bench::{
    client::Connection, figures::milliseconds, node::Pace, setting::Setting, stamp::now,
};

use crate::{Given, verdict::Verdicts};

/// Longer than from one of the hub's pings to the next: whatever a heartbeat takes is then taken.
const SETTLING: Duration = Duration::from_secs(20);

const MOST_BYTES: f64 = 12.0 * 1024.0;
const PACE: Pace = Pace {
    tokens: 1,
    every: Duration::ZERO,
};

pub(crate) async fn measure(given: &Given, verdicts: &mut Verdicts) -> anyhow::Result<String> {
    let count = given.idle_nodes;
    let mut setting = Setting::with_nodes(&given.hub, 10, 1, PACE).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = setting.hub.memory_bytes()?;
    let start = now();
    setting.join(count, 1, PACE).await?;
    let joined = now() - start;
    tokio::time::sleep(SETTLING).await;
    let lost = setting
        .nodes
        .iter()
        .filter(|node| node.is_finished())
        .count();
    let after = setting.hub.memory_bytes()?;
    let bytes = after.saturating_sub(before) as f64 / f64::from(count);

    let idle = setting.hub.computed()?;
    tokio::time::sleep(SETTLING).await;
    let share = (setting.hub.computed()? - idle).as_secs_f64() / SETTLING.as_secs_f64();
    let mut connection = Connection::open(setting.hub.address, None).await?;
    let start = now();
    let stats = connection.get("/api/stats").await?;
    let stats_took = now() - start;
    anyhow::ensure!(stats.status == 200, "no statistics: {}", stats.status);

    verdicts.add(
        &format!("{count} idle nodes: at most 12 KB of the hub's memory each, none lost"),
        format!("{:.1} KB, {lost} lost", bytes / 1024.0),
        bytes <= MOST_BYTES && lost == 0,
    );
    Ok(format!(
        "{count} idle nodes joined one after the other within {:.1} s; {:.1} KB of memory each (resident, {:.0} MB before, \
         {:.0} MB after a heartbeat). They take {share:.3} of a processor; /api/stats with all of them takes {:.0} ms, {} KB.\n",
        joined.as_secs_f64(),
        bytes / 1024.0,
        before as f64 / 1e6,
        after as f64 / 1e6,
        milliseconds(stats_took),
        stats.body.len() / 1024,
    ))
}
