//! The past, as anybody may ask for it.

use std::sync::Arc;

use protocol::{History, HistoryRange};
use serde_json::Value;
use tempfile::TempDir;

use crate::client::{ask, whole_answer};
use crate::node::{join, named, next_prompt};
use crate::support::hub::TestHub;

async fn history(hub: &TestHub, parameters: &str) -> History {
    let response = hub.get(&format!("/api/history{parameters}")).await;
    assert_eq!(response.status(), 200, "{parameters}");
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

async fn refusal(hub: &TestHub, parameters: &str) -> (u16, Value) {
    let response = hub.get(&format!("/api/history{parameters}")).await;
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    (status, body["error"].clone())
}

#[tokio::test]
async fn what_was_answered_is_in_the_last_bucket() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("one")).await;
    let client = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    node.answer(&prompt.task_id, &["to ", "be ", "remembered"])
        .await;
    whole_answer(client).await;
    hub.stats_when(|stats| stats.totals.prompts == 1).await;

    for range in HistoryRange::ALL {
        let history = history(&hub, &format!("?range={}&utc_offset=120", range.name())).await;
        assert_eq!(history.range, range);
        assert_eq!(history.buckets.len(), range.buckets() as usize);
        let last = history.buckets.last().unwrap();
        assert_eq!((last.prompts, last.failed, last.nodes), (1, 0, 1));
        assert_eq!((last.prompt_tokens, last.completion_tokens), (12, 3));
        assert!(last.first_token_ms.is_some());
    }
    assert_eq!(history(&hub, "").await.range, HistoryRange::Day);
}

#[tokio::test]
async fn what_is_no_range_and_no_offset_is_refused_in_words() {
    let hub = TestHub::start().await;
    for parameters in ["?range=year", "?range=", "?range=day&range=week"] {
        let (status, error) = refusal(&hub, parameters).await;
        assert_eq!((status, &error["param"]), (400, &"range".into()), "{error}");
    }
    let (_, error) = refusal(&hub, "?range=year").await;
    assert_eq!(error["message"], "range must be day, week or month");
    for offset in ["east", "7", "900", "99999", ""] {
        let (status, error) = refusal(&hub, &format!("?utc_offset={offset}")).await;
        assert_eq!(
            (status, &error["param"]),
            (400, &"utc_offset".into()),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_database_that_can_not_be_read_is_told_and_brings_nothing_down() {
    let directory = Arc::new(TempDir::new().unwrap());
    std::fs::create_dir(directory.path().join("hub.sqlite")).unwrap();
    let hub = TestHub::in_directory(directory, &[]).await;
    let (status, error) = refusal(&hub, "?range=month").await;
    assert_eq!(
        (status, &error["code"]),
        (503, &"history_unavailable".into())
    );
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("log"), "{message}");
    assert!(
        !message.contains("hub.sqlite"),
        "paths are the operator's: {message}"
    );
    assert_eq!(hub.stats().await.totals.prompts, 0);
}
