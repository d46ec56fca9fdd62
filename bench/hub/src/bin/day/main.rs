//! A day's traffic in minutes, of every kind that a hub sees: `bench/day.sh`.
//!
//! Time itself is not compressed: the hub is a real process, whose timers run as ever. What is a day's is the
//! volume: prompts, clients that leave, nodes that come and go.

mod clients;
mod day;
mod samples;
mod visitors;

use std::{process::ExitCode, time::Duration};

use fastrand::Rng;
use hub_bench::{
    arguments::Arguments,
    client::Connection,
    machine::{load_average, machine, record, table},
    node::Pace,
    setting::Setting,
};
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    clients::Counts,
    day::{Day, HOURS},
    samples::{Sample, Samples},
};

/// Nodes that stay all day.
const NODES: u32 = 20;
const SLOTS: u32 = 4;
const CLIENTS: usize = 64;
const PACE: Pace = Pace {
    tokens: 16,
    every: Duration::from_millis(2),
};

/// For what is left of connections to close.
const SETTLING: Duration = Duration::from_secs(5);

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::read(&[
        "hub", "results", "date", "prompts", "visits", "seconds", "seed",
    ])?;
    let day = Day {
        prompts: arguments.number("prompts")?,
        visits: arguments.number("visits")?,
        length: Duration::from_secs(arguments.number("seconds")?),
    };
    let seed = arguments.number("seed")?;
    let load_at_start = load_average();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (samples, counts) = runtime.block_on(measure(&arguments, &day, seed))?;
    let verdicts = samples.verdicts();
    let kept = verdicts.iter().all(|verdict| verdict.kept);
    let rows: Vec<Vec<String>> = verdicts.iter().map(samples::Verdict::row).collect();
    let section = format!(
        "## {}: a day's traffic\n\n`bench/day.sh`, seed {seed}: the volume of 24 hours in {} s, {NODES} nodes that stay, {} that \
         come and go; {}.\n{}; load average when it began {load_at_start}, at the end {}.\n\n{}\n{}",
        arguments.text("date")?,
        day.length.as_secs(),
        day.visits,
        counts.words(),
        machine(),
        load_average(),
        samples.table(),
        table(&["promise", "measured", ""], &rows),
    );
    record(&arguments.path("results")?, &section)?;
    Ok(if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn measure(arguments: &Arguments, day: &Day, seed: u64) -> anyhow::Result<(Samples, Counts)> {
    let setting = Setting::with_nodes(&arguments.path("hub")?, NODES, SLOTS, PACE).await?;
    let hub = setting.hub.address;
    sleep(SETTLING).await;
    let mut samples = Samples::new(sample(&setting, 0).await?);

    let mut rng = Rng::with_seed(seed);
    let start = Instant::now();
    let (told, mut counted) = tokio::sync::mpsc::unbounded_channel();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let client = clients::Client::new(hub, *day, rng.fork(), told.clone());
        running.spawn(client.ask_all_day(start, CLIENTS));
    }
    running.spawn(visitors::come_and_go(hub, *day, rng.fork(), start));
    drop(told);
    for hour in 1..=HOURS {
        sleep_until(start + day.length * hour / HOURS).await;
        let sample = sample(&setting, hour).await?;
        eprintln!("{sample:?}");
        samples.add(sample);
    }
    running.join_all().await;
    sleep(SETTLING).await;
    samples.end(sample(&setting, HOURS).await?);
    let mut counts = Counts::default();
    while let Some(kind) = counted.recv().await {
        counts.add(kind);
    }
    Ok((samples, counts))
}

async fn sample(setting: &Setting, hour: u32) -> anyhow::Result<Sample> {
    let mut connection = Connection::open(setting.hub.address, None).await?;
    let stats: Value = serde_json::from_slice(&connection.get("/api/stats").await?.body)?;
    let size = |name: &str| {
        let file = setting.folder.path().join(name);
        std::fs::metadata(file).map_or(0, |file| file.len())
    };
    Ok(Sample {
        hour,
        memory_bytes: setting.hub.memory_bytes()?,
        descriptors: setting.hub.descriptors()?,
        database_bytes: size("hub.sqlite"),
        log_bytes: size("hub.sqlite-wal"),
        prompts: stats["totals"]["prompts"].as_u64().unwrap_or_default(),
    })
}
