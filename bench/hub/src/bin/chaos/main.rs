//! Greedy streams while nodes are killed, frozen, cut off and lied for, and the hub is killed: `bench/chaos.sh`.
//!
//! Hub and nodes are the real programs. Every node reaches the hub through a proxy of ours, which can do to its
//! frames what networks and liars do, and notes where one node went on from another's text.

mod answers;
mod commits;
mod nodes;
mod outages;
mod prompts;
mod proxy;
mod report;
mod seams;
mod streams;
mod trouble;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use fastrand::Rng;
use hub_bench::{arguments::Arguments, client::Connection, process::HubProcess};
use serde_json::Value;
use tempfile::TempDir;

use crate::{nodes::Fleet, report::Report};

/// Deadlines short enough for frozen nodes to matter, and a queue that takes every client.
const SETTINGS: [(&str, &str); 7] = [
    ("HTTP_CONNECTIONS_PER_ADDRESS", "10000"),
    ("FIRST_TOKEN_DEADLINE_SECONDS", "15"),
    ("TOKEN_DEADLINE_SECONDS", "4"),
    ("QUEUE_LENGTH", "100000"),
    ("QUEUE_DEADLINE_SECONDS", "3600"),
    ("CONNECTIONS_PER_ADDRESS", "10000"),
    // A line for every prompt that failed, and what became of its last node.
    ("RUST_LOG", "warn,hub::dispatch=info,hub::nodes=info"),
];

/// How long a hub may take to notice that nobody computes any more: longer than three heartbeats.
const SETTLING: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Given {
    hub: PathBuf,
    node: PathBuf,
    model_file: PathBuf,
    streams: usize,
    clients: usize,
    nodes: usize,
    kills: usize,
    seed: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::read(&[
        "hub", "node", "model", "results", "date", "streams", "clients", "nodes", "kills", "seed",
    ])?;
    let given = Given {
        hub: arguments.path("hub")?,
        node: arguments.path("node")?,
        model_file: arguments.path("model")?,
        streams: arguments.number("streams")?,
        clients: arguments.number("clients")?,
        nodes: arguments.number("nodes")?,
        kills: arguments.number("kills")?,
        seed: arguments.number("seed")?,
    };
    let mut report = Report::new(&given);
    let folder = TempDir::new()?;
    let hub = HubProcess::start(&given.hub, folder.path(), &SETTINGS)?;
    let (mut fleet, handovers) = Fleet::start(&given, hub.address, folder.path()).await?;
    fleet.wait_until_joined(hub.address).await?;

    let prompts = prompts::prompts();
    eprintln!("asking {} prompts undisturbed", prompts.len());
    let undisturbed = streams::all(hub.address, &prompts, prompts.len(), given.nodes).await;
    let undisturbed = answers::Undisturbed::of(undisturbed)?;

    eprintln!(
        "asking {} times with trouble, seed {}",
        given.streams, given.seed
    );
    let mut rng = Rng::with_seed(given.seed);
    let trouble = trouble::during(
        streams::all(hub.address, &prompts, given.streams, given.clients),
        &mut fleet,
        &mut rng,
        hub.address,
    )
    .await?;
    report.troubles(&trouble.counts);
    let free = wait_until_free(hub.address).await?;
    let seams = handovers.so_far();
    report.streams(&trouble.outcome, &undisturbed, &seams, free);
    let log = std::fs::read_to_string(folder.path().join("hub.log"))?;
    Report::explain(&trouble.outcome, &log);
    report.recorded(&commits::read(folder.path())?, &trouble.outcome);

    eprintln!("killing the hub {} times", given.kills);
    let outages = outages::kill_the_hub(&given, hub, folder.path(), &prompts, &mut rng).await?;
    report.outages(&outages, &commits::read(folder.path())?);
    drop(fleet);
    report.write(&arguments.path("results")?, arguments.text("date")?)
}

/// Whether every slot and the queue are free in the end.
async fn wait_until_free(hub: SocketAddr) -> anyhow::Result<bool> {
    let deadline = tokio::time::Instant::now() + SETTLING;
    loop {
        let mut connection = Connection::open(hub, None).await?;
        let stats: Value = serde_json::from_slice(&connection.get("/api/stats").await?.body)?;
        let busy = stats["nodes"].as_array().into_iter().flatten();
        let busy: u64 = busy.filter_map(|node| node["busy"].as_u64()).sum();
        let queue = &stats["queue"];
        if busy == 0 && queue["waiting"] == 0 && queue["running"] == 0 {
            return Ok(true);
        }
        if tokio::time::Instant::now() > deadline {
            eprintln!("not all is free: {stats}");
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
