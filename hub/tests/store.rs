//! The database: what it remembers, and that its troubles are nobody else's.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, Once, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use hub::{
    dispatch::{
        AnsweringNode, Ending, FailureKind, NodeSighting, OutcomeSink, PromptOutcome, Record,
    },
    keys::{Bill, Client, KeyId},
    store::{Store, StoreSettings},
};
use protocol::{Device, FinishReason, NodeKind, TaskId, Totals, Usage};
use rusqlite::Connection;
use tempfile::TempDir;

fn joined(name: &str) -> Record {
    Record::NodeJoined(NodeSighting {
        node_id: format!("id-of-{name}"),
        name: name.to_owned(),
        kind: NodeKind::Native,
        trusted: true,
        software: "kipina-node 0.1.0".to_owned(),
        device: Device {
            cores: Some(8),
            ..Device::default()
        },
        models: Vec::new(),
        slots: 2,
        joined_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1000),
    })
}

fn ended(ending: Ending) -> Record {
    Record::PromptEnded(PromptOutcome {
        task_id: TaskId("task-1".to_owned()),
        bill: Bill::unmetered(Client::Key(KeyId(3))),
        requested_model: "qwen-coder".to_owned(),
        node: Some(AnsweringNode {
            id: "id-of-a".to_owned(),
            name: "a".to_owned(),
            kind: NodeKind::Native,
        }),
        model: Some("qwen2.5-coder:0.5b".to_owned()),
        attempts: 1,
        submitted_at: SystemTime::UNIX_EPOCH + Duration::from_secs(2000),
        queued: Duration::from_millis(5),
        first_token: Some(Duration::from_millis(40)),
        total: Duration::from_millis(400),
        usage: Usage {
            prompt_tokens: 10,
            cached_tokens: 4,
            completion_tokens: 7,
        },
        ending,
    })
}

const FINISHED: Ending = Ending::Finished(FinishReason::Stop);

fn settings(path: PathBuf) -> StoreSettings {
    StoreSettings {
        lock_patience: Duration::from_millis(100),
        ..StoreSettings::new(path)
    }
}

fn start(path: PathBuf) -> Store {
    Store::start(settings(path)).unwrap()
}

/// Everything logged in this test binary.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn listen_to_the_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(|| LogWriter)
            .init();
    });
}

/// The warnings about one database.
fn warnings(path: &Path) -> Vec<String> {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let path = path.display().to_string();
    String::from_utf8_lossy(&log)
        .lines()
        .filter(|line| line.contains("WARN") && line.contains(&path))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn totals_survive_a_restart() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("deep/below/hub.sqlite");
    let store = start(path.clone());
    let recorder = store.recorder();
    recorder.record(joined("a"));
    recorder.record(joined("b"));
    for ending in [
        FINISHED,
        Ending::Cancelled,
        Ending::NoNode,
        Ending::Failed(FailureKind::NodeLost),
    ] {
        recorder.record(ended(ending));
    }
    store.close().await;

    let store = start(path);
    store.recorder().record(joined("a"));
    store.recorder().record(ended(FINISHED));
    store.flush().await;
    let expected = Totals {
        prompts: 5,
        failed: 2,
        prompt_tokens: 50,
        completion_tokens: 35,
        nodes_seen: 2,
    };
    assert_eq!(store.reader().totals().await, expected);
    assert_eq!(store.recorder().lost(), 0);
    store.close().await;
}

#[tokio::test]
async fn each_prompt_leaves_a_row_and_each_node_one_for_all_its_visits() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("hub.sqlite");
    let store = start(path.clone());
    let left_at = SystemTime::UNIX_EPOCH + Duration::from_secs(3000);
    store.recorder().record(joined("a"));
    store.recorder().record(joined("a"));
    store.recorder().record(Record::NodeLeft {
        node_id: "id-of-a".to_owned(),
        left_at,
    });
    store.recorder().record(ended(FINISHED));
    store.close().await;

    let database = Connection::open(path).unwrap();
    let node: (String, i64, i64, i64) = database
        .query_row(
            "SELECT device, joins, first_seen_ms, last_seen_ms FROM nodes",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .unwrap();
    assert_eq!(node, (r#"{"cores":8}"#.to_owned(), 2, 1_000_000, 3_000_000));
    let prompt: (String, String, i64, i64, i64, i64, String) = database
        .query_row(
            "SELECT requested_model, model, submitted_at_ms, first_token_ms, total_ms,
                    cached_tokens, ending FROM prompts",
            [],
            |row| {
                let (requested, model) = (row.get(0)?, row.get(1)?);
                Ok((
                    requested,
                    model,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                    row.get(6)?,
                ))
            },
        )
        .unwrap();
    let expected = (
        "qwen-coder".into(),
        "qwen2.5-coder:0.5b".into(),
        2_000_000,
        40,
        400,
        4,
        "stop".into(),
    );
    assert_eq!(prompt, expected);
}

#[tokio::test]
async fn a_locked_database_costs_records_but_no_time_of_whoever_records() {
    listen_to_the_log();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("hub.sqlite");
    let store = Store::start(StoreSettings {
        waiting_records: 8,
        ..settings(path.clone())
    })
    .unwrap();
    store.recorder().record(ended(FINISHED));
    store.flush().await;

    let intruder = Connection::open(&path).unwrap();
    intruder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let started = Instant::now();
    for _ in 0..1000 {
        store.recorder().record(ended(FINISHED));
    }
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "waiting for the lock would take 12 seconds"
    );
    store.flush().await;
    assert_eq!(store.recorder().lost(), 1000);
    assert_eq!(
        warnings(&path).len(),
        1,
        "one line per burst: {:#?}",
        warnings(&path)
    );
    assert_eq!(
        store.reader().totals().await.prompts,
        1,
        "readers are not locked out"
    );

    intruder.execute_batch("COMMIT").unwrap();
    store.recorder().record(ended(FINISHED));
    store.flush().await;
    assert_eq!(store.reader().totals().await.prompts, 2);
    let warnings = warnings(&path);
    assert_eq!(warnings.len(), 2);
    assert!(warnings[1].contains("1000 were lost"), "{warnings:#?}");
    store.close().await;
}

#[tokio::test]
async fn a_short_lock_costs_nothing() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("hub.sqlite");
    let patient = StoreSettings {
        lock_patience: Duration::from_secs(30),
        ..settings(path.clone())
    };
    let store = Store::start(patient).unwrap();
    store.flush().await;
    let intruder = Connection::open(&path).unwrap();
    intruder.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.recorder().record(ended(FINISHED));
    tokio::time::sleep(Duration::from_millis(200)).await;
    intruder.execute_batch("COMMIT").unwrap();
    store.flush().await;
    assert_eq!(store.recorder().lost(), 0);
    assert_eq!(store.reader().totals().await.prompts, 1);
    store.close().await;
}

#[tokio::test]
async fn a_full_disk_costs_what_does_not_fit() {
    listen_to_the_log();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("hub.sqlite");
    let store = Store::start(StoreSettings {
        max_pages: Some(64),
        ..settings(path.clone())
    })
    .unwrap();
    for _ in 0..4000 {
        store.recorder().record(ended(FINISHED));
    }
    store.flush().await;
    let lost = store.recorder().lost();
    assert!(lost > 0 && lost < 4000, "{lost} lost");
    assert_eq!(
        store.reader().totals().await.prompts + lost,
        4000,
        "each is kept or counted"
    );
    assert!(
        warnings(&path)[0].contains("full"),
        "{:#?}",
        warnings(&path)
    );
    store.close().await;
}

#[tokio::test]
async fn a_path_that_can_not_be_written_costs_records_until_it_can() {
    listen_to_the_log();
    let directory = TempDir::new().unwrap();
    // A file where the directory should be: that stops even root.
    let in_the_way = directory.path().join("data");
    fs::write(&in_the_way, "").unwrap();
    let path = in_the_way.join("hub.sqlite");
    let store = start(path.clone());
    store.recorder().record(ended(FINISHED));
    store.recorder().record(ended(FINISHED));
    store.flush().await;
    assert_eq!(store.recorder().lost(), 2);
    assert_eq!(store.reader().totals().await, Totals::default());
    assert_eq!(warnings(&path).len(), 1);

    fs::remove_file(in_the_way).unwrap();
    store.recorder().record(ended(FINISHED));
    store.flush().await;
    assert_eq!(store.reader().totals().await.prompts, 1);
    store.close().await;
}

#[tokio::test]
async fn a_database_of_a_newer_hub_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("hub.sqlite");
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let store = start(path.clone());
    store.recorder().record(ended(FINISHED));
    store.flush().await;
    assert_eq!(store.recorder().lost(), 1);
    store.close().await;
    let tables: i64 = Connection::open(path)
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn what_comes_after_the_end_is_counted_as_lost() {
    let directory = TempDir::new().unwrap();
    let store = start(directory.path().join("hub.sqlite"));
    let recorder = store.recorder();
    store.close().await;
    recorder.record(ended(FINISHED));
    assert_eq!(recorder.lost(), 1);
}
