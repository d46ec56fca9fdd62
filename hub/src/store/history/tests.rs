use std::fs;

use protocol::HistoryBucket;
use tempfile::TempDir;

use super::*;
use crate::store::StoreSettings;

const HOUR: i64 = 3_600_000;

/// 2026-11-25 21:17:00 UTC.
const NOW: i64 = 1_795_641_420_000;

struct Database {
    _directory: TempDir,
    path: PathBuf,
    connection: Connection,
}

impl Database {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("hub.sqlite");
        let connection = schema::open(&StoreSettings::new(path.clone())).unwrap();
        Self {
            _directory: directory,
            path,
            connection,
        }
    }

    fn add(&self, submitted_at_ms: i64, ending: &str) {
        self.connection
            .execute(
                "INSERT INTO prompts (task_id, requested_model, node_kind, node_name, attempts,
                     submitted_at_ms, queued_ms, first_token_ms, total_ms, prompt_tokens,
                     cached_tokens, completion_tokens, ending)
                 VALUES ('t', 'm', 'native', 'a', 1, ?1, 0, 100, 1100, 10, 0, 21, ?2)",
                (submitted_at_ms, ending),
            )
            .unwrap();
    }

    fn reader(&self) -> HistoryReader {
        HistoryReader::new(self.path.clone())
    }
}

fn time(unix_ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(unix_ms.try_into().unwrap())
}

fn query(range: HistoryRange) -> HistoryQuery {
    HistoryQuery {
        range,
        offset: UtcOffset::default(),
    }
}

#[tokio::test]
async fn every_range_is_whole_even_where_nothing_happened() {
    let database = Database::new();
    let table = [
        (HistoryRange::Day, 24, HOUR, 1_795_640_400_000),
        (HistoryRange::Week, 28, 6 * HOUR, 1_795_629_600_000),
        (HistoryRange::Month, 30, 24 * HOUR, 1_795_564_800_000),
    ];
    for (range, count, length, last) in table {
        let history = database
            .reader()
            .read(query(range), time(NOW))
            .await
            .unwrap();
        assert_eq!(history.range, range);
        assert_eq!(i64::from(history.bucket_seconds) * 1000, length);
        let starts: Vec<i64> = history.buckets.iter().map(|bucket| bucket.start).collect();
        let expected: Vec<i64> = (0..count).map(|back| last - back * length).rev().collect();
        assert_eq!(starts, expected);
        assert!(history.buckets.iter().all(|bucket| bucket.prompts == 0));
    }
}

#[tokio::test]
async fn each_prompt_counts_in_the_bucket_that_it_was_sent_in() {
    let database = Database::new();
    let last = 1_795_640_400_000;
    let first = last - 23 * HOUR;
    for sent in [
        first - 1,
        first,
        last - 1,
        last,
        last + HOUR - 1,
        last + HOUR,
    ] {
        database.add(sent, "stop");
    }
    let history = database
        .reader()
        .read(query(HistoryRange::Day), time(NOW))
        .await
        .unwrap();
    let counts: Vec<u64> = history
        .buckets
        .iter()
        .map(|bucket| bucket.prompts)
        .collect();
    let mut expected = vec![0; 24];
    (expected[0], expected[22], expected[23]) = (1, 1, 2);
    assert_eq!(counts, expected);
    let bucket = HistoryBucket {
        start: last,
        prompts: 2,
        failed: 0,
        prompt_tokens: 20,
        completion_tokens: 42,
        tokens_per_second: Some(20.0),
        first_token_ms: Some(100.0),
        nodes: 1,
    };
    assert_eq!(history.buckets[23], bucket);
}

#[tokio::test]
async fn whoever_went_away_was_not_failed() {
    let database = Database::new();
    for ending in [
        "stop",
        "length",
        "tool_calls",
        "cancelled",
        "node_lost",
        "queue_full",
    ] {
        database.add(NOW, ending);
    }
    let history = database
        .reader()
        .read(query(HistoryRange::Day), time(NOW))
        .await
        .unwrap();
    let last = history.buckets.last().unwrap();
    assert_eq!((last.prompts, last.failed), (6, 2));
}

#[tokio::test]
async fn days_begin_at_the_readers_midnight() {
    let database = Database::new();
    let table = [
        (0, 1_795_564_800_000),
        (120, 1_795_557_600_000),
        (180, 1_795_640_400_000),
    ];
    for (minutes, last) in table {
        let query = HistoryQuery {
            offset: UtcOffset::from_minutes(minutes).unwrap(),
            ..query(HistoryRange::Month)
        };
        let history = database.reader().read(query, time(NOW)).await.unwrap();
        assert_eq!(history.buckets.last().unwrap().start, last, "{minutes}");
    }
}

#[test]
fn offsets_are_those_of_clocks_on_earth() {
    for minutes in [-840, -210, 0, 345, 840] {
        assert!(UtcOffset::from_minutes(minutes).is_some(), "{minutes}");
    }
    for minutes in [-855, 7, 855, i16::MIN] {
        assert!(UtcOffset::from_minutes(minutes).is_none(), "{minutes}");
    }
}

#[tokio::test]
async fn one_look_serves_all_who_ask_within_seconds() {
    let database = Database::new();
    let reader = database.reader();
    let prompts = async |query, now| {
        let history = reader.read(query, time(now)).await.unwrap();
        history
            .buckets
            .iter()
            .map(|bucket| bucket.prompts)
            .sum::<u64>()
    };
    let day = query(HistoryRange::Day);
    assert_eq!(prompts(day, NOW).await, 0);
    database.add(NOW, "stop");
    assert_eq!(prompts(day, NOW + 9_000).await, 0);
    assert_eq!(prompts(query(HistoryRange::Week), NOW + 9_000).await, 1);
    let elsewhere = HistoryQuery {
        offset: UtcOffset::from_minutes(60).unwrap(),
        ..day
    };
    assert_eq!(prompts(elsewhere, NOW + 9_000).await, 1);
    assert_eq!(
        prompts(day, NOW + 9_500).await,
        0,
        "readers elsewhere do not push it out"
    );
    assert_eq!(prompts(day, NOW + 10_000).await, 1);
    database.add(NOW, "stop");
    assert_eq!(prompts(day, NOW - 1).await, 2, "the clock was set back");
}

#[tokio::test]
async fn what_can_not_be_read_is_an_error_until_it_can() {
    let database = Database::new();
    let path = database.path.with_file_name("elsewhere.sqlite");
    let reader = HistoryReader::new(path.clone());
    let read = async || reader.read(query(HistoryRange::Day), time(NOW)).await;
    let missing = read().await.unwrap_err().to_string();
    assert!(missing.contains("elsewhere.sqlite"), "{missing}");
    fs::write(&path, "no database at all, but a text that is long enough").unwrap();
    assert!(read().await.is_err());
    fs::remove_file(&path).unwrap();
    database
        .connection
        .execute("VACUUM INTO ?1", [path.to_str().unwrap()])
        .unwrap();
    assert!(read().await.is_ok());
}

#[test]
fn the_rows_are_found_by_their_time() {
    let database = Database::new();
    let plan: String = database
        .connection
        .query_row(
            &format!("EXPLAIN QUERY PLAN {ROWS}"),
            named_params! { ":start": 0, ":end": 1 },
            |row| row.get("detail"),
        )
        .unwrap();
    assert!(plan.contains("USING INDEX prompts_by_time"), "{plan}");
}

/// `cargo test --release -p hub -- --ignored --nocapture million`
#[tokio::test]
#[ignore = "a measurement"]
async fn a_million_prompts_within_a_month() {
    let database = Database::new();
    database.connection.execute_batch("
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)
        INSERT INTO prompts
        SELECT i, 'task-19ab3c5d7e0-' || i, 'qwen2.5-coder:0.5b', 'qwen2.5-coder:0.5b',
               'node-19ab3c5d7e0-' || (i % 40), 'browser', 'selain-' || (i % 40), 1,
               1795641420000 - 29 * 86400000 + i * 2505, 3, 100 + i % 1000, 5000 + i % 3000, 300, 100,
               200, 'stop' FROM n").unwrap();
    for range in HistoryRange::ALL {
        let started = std::time::Instant::now();
        let history = database
            .reader()
            .read(query(range), time(NOW))
            .await
            .unwrap();
        let prompts: u64 = history.buckets.iter().map(|bucket| bucket.prompts).sum();
        println!("{range:?}: {prompts} prompts in {:?}", started.elapsed());
    }
}
