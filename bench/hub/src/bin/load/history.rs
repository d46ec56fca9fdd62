//! What a database with a long past costs a hub that starts with it.

use std::{
    net::IpAddr,
    path::Path,
    time::{Duration, SystemTime},
};

use hub::{
    dispatch::{AnsweringNode, Ending, OutcomeSink, PromptOutcome, Record},
    keys::{Bill, Client},
    store::{Store, StoreSettings},
};
use hub_bench::{
    client::Connection, figures::milliseconds, node::MODEL, node::Pace, setting::Setting,
    stamp::now,
};
use protocol::{FinishReason, NodeKind, TaskId, Usage};
use tempfile::TempDir;

use crate::{Given, growth};

/// Over the last month.
const SPAN: Duration = Duration::from_secs(30 * 86_400);

pub(crate) async fn measure(given: &Given) -> anyhow::Result<String> {
    let folder = TempDir::new()?;
    let database = folder.path().join("hub.sqlite");
    let start = now();
    fill(&database, given.rows).await?;
    let wrote = now() - start;
    let size = std::fs::metadata(&database)?.len();

    let start = now();
    let mut setting = Setting::in_folder(&given.hub, folder, &[])?;
    let started = now() - start;
    setting
        .join(
            1,
            1,
            Pace {
                tokens: 1,
                every: Duration::ZERO,
            },
        )
        .await?;
    let mut connection = Connection::open(setting.hub.address, None).await?;
    let mut looks = Vec::new();
    for path in ["/api/stats", "/api/history"] {
        let start = now();
        let reply = connection.get(path).await?;
        anyhow::ensure!(reply.status == 200, "{path}: {}", reply.status);
        looks.push(format!("{path} {:.0} ms", milliseconds(now() - start)));
    }
    let (round_trips, _) = growth::prompts(&setting).await?;
    Ok(format!(
        "Growth with history: {} prompts of a month are {:.0} MB ({:.0} bytes each), written at {:.0} a second. With them the hub \
         starts in {:.0} ms; {}; a prompt with an answer of one token {}.\n",
        given.rows,
        size as f64 / 1e6,
        size as f64 / f64::from(given.rows),
        f64::from(given.rows) / wrote.as_secs_f64(),
        milliseconds(started),
        looks.join(", "),
        round_trips.words(),
    ))
}

async fn fill(database: &Path, rows: u32) -> anyhow::Result<()> {
    let settings = StoreSettings {
        waiting_records: rows as usize,
        ..StoreSettings::new(database.to_owned())
    };
    let store = Store::start(settings)?;
    let recorder = store.recorder();
    let first = SystemTime::now() - SPAN;
    for number in 0..rows {
        let submitted_at = first + SPAN / rows * number;
        recorder.record(Record::PromptEnded(outcome(number, submitted_at)));
    }
    store.flush().await;
    anyhow::ensure!(
        recorder.lost() == 0,
        "{} records were lost",
        recorder.lost()
    );
    store.close().await;
    Ok(())
}

fn outcome(number: u32, submitted_at: SystemTime) -> PromptOutcome {
    PromptOutcome {
        task_id: TaskId(format!("task-19f0a1b2c3d-{number}")),
        bill: Bill::unmetered(Client::at(IpAddr::from([192, 0, 2, 1]))),
        requested_model: MODEL.to_owned(),
        node: Some(AnsweringNode {
            id: format!("node-19f0a1b2c3d-{}", number % 50),
            name: format!("machine {}", number % 50),
            kind: NodeKind::Native,
        }),
        model: Some(MODEL.to_owned()),
        attempts: 1,
        submitted_at,
        queued: Duration::from_millis(3),
        first_token: Some(Duration::from_millis(250)),
        total: Duration::from_millis(4000),
        usage: Usage {
            prompt_tokens: 400,
            cached_tokens: 100,
            completion_tokens: 120,
        },
        ending: Ending::Finished(FinishReason::Stop),
    }
}
