//! What a prompt costs while others wait for another model, and how fast a long queue empties.

use std::time::Duration;

use hub_bench::{
    client::Connection,
    machine::table,
    node::{FakeNode, Pace},
    setting::{Setting, source},
    stamp::now,
};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

use crate::{Given, growth};

const OTHER_MODEL: &str = "another-model";
const PACE: Pace = Pace {
    tokens: 1,
    every: Duration::ZERO,
};
const CLIENTS_PER_ADDRESS: u32 = 2000;

pub(crate) async fn measure(given: &Given) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for waiting in [0, 1000, 10_000] {
        if waiting <= given.idle_nodes {
            rows.push(with(given, waiting).await?);
        }
    }
    let table = table(
        &[
            "prompts that wait",
            "a prompt for another model, answered at once",
            "processor time of the hub, each",
            "the queue empties through one slot, each prompt",
        ],
        &rows,
    );
    Ok(format!("Growth with the queue:\n\n{table}"))
}

async fn with(given: &Given, waiting: u32) -> anyhow::Result<Vec<String>> {
    let mut setting = Setting::with_nodes(&given.hub, 1, 1, PACE).await?;
    let (open, gate) = watch::channel(false);
    let mut busy = FakeNode::new(1, 1, PACE);
    busy.model = OTHER_MODEL.to_owned();
    busy.gate = Some(gate);
    setting.nodes.push(busy.join(setting.hub.address).await?);

    let mut clients = JoinSet::new();
    let body = json!({"model": OTHER_MODEL, "messages": [{"role": "user", "content": "wait"}]});
    let (hub, body) = (setting.hub.address, body.to_string());
    // The first of them has the slot.
    for number in 0..=waiting {
        let body = body.clone();
        let mut connection =
            Connection::open(hub, Some(source(number / CLIENTS_PER_ADDRESS))).await?;
        clients.spawn(async move {
            let reply = connection
                .post("/v1/chat/completions", &body, |_, _| {})
                .await?;
            anyhow::ensure!(
                reply.status == 200,
                "{}",
                String::from_utf8_lossy(&reply.body)
            );
            Ok(())
        });
    }
    wait_for(&setting, waiting).await?;
    let (round_trips, microseconds) = growth::prompts(&setting).await?;
    let start = now();
    open.send(true)?;
    while let Some(client) = clients.join_next().await {
        client??;
    }
    let each = (now() - start).as_secs_f64() * 1e6 / f64::from(waiting + 1);
    Ok(vec![
        waiting.to_string(),
        round_trips.words(),
        format!("{microseconds:.0} µs"),
        if waiting == 0 {
            "–".to_owned()
        } else {
            format!("{each:.0} µs")
        },
    ])
}

async fn wait_for(setting: &Setting, waiting: u32) -> anyhow::Result<()> {
    let mut connection = Connection::open(setting.hub.address, None).await?;
    for _ in 0..600 {
        let stats: Value = serde_json::from_slice(&connection.get("/api/stats").await?.body)?;
        if stats["queue"]["waiting"] == waiting && stats["queue"]["running"] == 1 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("the queue never had {waiting} prompts")
}
