//! Old outcomes go, totals stay.

use std::time::{Duration, SystemTime};

use hub::{
    dispatch::{Ending, OutcomeSink, PromptOutcome, Record},
    keys::{Bill, Client, KeyId},
    store::{Store, StoreSettings},
};
use protocol::{FinishReason, TaskId, Usage};
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

fn count(database: &Connection) -> u64 {
    database
        .query_row("SELECT count(*) FROM prompts", [], |row| row.get(0))
        .unwrap()
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
    for _ in 0..500 {
        if count(&database) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(count(&database), 1);
    assert_eq!(store.reader().totals().await.prompts, 2502);
    store.close().await;
}
