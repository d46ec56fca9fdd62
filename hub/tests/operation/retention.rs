//! Old outcomes go, totals stay.

use std::time::{Duration, SystemTime};

use hub::{
    dispatch::{Ending, NodeSighting, OutcomeSink, PromptOutcome, Record},
    keys::{Bill, Client, KeyId},
    store::{Store, StoreSettings},
};
use protocol::{Device, FinishReason, NodeKind, TaskId, Usage};
use rusqlite::Connection;
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(86_400);

fn ended(age: Duration) -> Record {
    Record::PromptEnded(PromptOutcome {
        bill: Bill::unmetered(Client::Key(KeyId(3))),
        task_id: TaskId("task-1".to_owned()),
        requested_model: "qwen-coder".to_owned(),
        node: None,
        model: None,
        attempts: 1,
        submitted_at: SystemTime::now() - age,
        queued: Duration::ZERO,
        first_token: None,
        total: Duration::ZERO,
        usage: Usage::default(),
        ending: Ending::Finished(FinishReason::Stop),
    })
}

fn seen(name: &str, age: Duration) -> Record {
    Record::NodeJoined(NodeSighting {
        node_id: format!("node-{name}"),
        name: name.to_owned(),
        kind: NodeKind::Native,
        trusted: false,
        software: String::new(),
        device: Device::default(),
        models: Vec::new(),
        slots: 1,
        joined_at: SystemTime::now() - age,
    })
}

fn count_in(database: &Connection, table: &str) -> u64 {
    database
        .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })
        .unwrap()
}

fn count(database: &Connection) -> u64 {
    count_in(database, "prompts")
}

async fn until(done: impl Fn() -> bool) {
    for _ in 0..500 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("what is old was never deleted");
}

#[tokio::test]
async fn outcomes_go_when_they_are_too_old_and_totals_stay() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("hub.sqlite");
    let store = Store::start(StoreSettings::new(path.clone())).unwrap();
    for age in [9, 11, 100] {
        // More than one bite of the oldest.
        for _ in 0..(if age == 100 { 2500 } else { 1 }) {
            store.recorder().record(ended(DAY * age));
        }
    }
    store.close().await;
    let database = Connection::open(&path).unwrap();
    assert_eq!(count(&database), 2502, "kept for ever");

    let store = Store::start(StoreSettings {
        retention: Some(DAY * 10),
        ..StoreSettings::new(path)
    })
    .unwrap();
    until(|| count(&database) == 1).await;
    assert_eq!(store.reader().totals().await.prompts, 2502);
    store.close().await;
}

#[tokio::test]
async fn days_of_keys_nodes_and_the_operators_log_go_likewise_and_their_sums_stay() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("hub.sqlite");
    let settings = StoreSettings {
        retention: Some(DAY * 10),
        ..StoreSettings::new(path.clone())
    };
    let store = Store::start(StoreSettings::new(path.clone())).unwrap();
    for age in 0..30 {
        store.recorder().record(ended(DAY * age));
        store.recorder().record(seen(&age.to_string(), DAY * age));
    }
    store.close().await;
    let database = Connection::open(&path).unwrap();
    for age in 0..30_u32 {
        database
            .execute(
                "INSERT INTO admin_log (at_ms, who, address, action, subject, details)
                 VALUES ((unixepoch() - ?1 * 86400) * 1000, '{\"kind\":\"session\"}', '::1', 'a', '', '{}')",
                [age],
            )
            .unwrap();
    }

    let store = Store::start(settings.clone()).unwrap();
    until(|| count_in(&database, "admin_log") <= 10).await;
    for table in ["key_usage", "nodes", "admin_log"] {
        let left = count_in(&database, table);
        // A day of a key is deleted when all of it is too old.
        assert!((10..=11).contains(&left), "{table}: {left}");
    }
    assert_eq!(store.reader().totals().await.nodes_seen, 30);
    let total = async || {
        let usage = store.reader().key_usage(Some(KeyId(3)), 0).await.unwrap();
        usage[&KeyId(3)].total.prompts
    };
    assert_eq!(total().await, 30);
    store.recorder().record(ended(Duration::ZERO));
    store.flush().await;
    assert_eq!(total().await, 31);
    assert_eq!(store.reader().admin_log(None, 50).await.unwrap().len(), 10);
    store.close().await;
}
