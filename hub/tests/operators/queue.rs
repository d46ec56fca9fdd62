//! Prompts as operators see them, and how they end one.

use std::time::Duration;

use serde_json::{Value, json};

use crate::actions;
use crate::asking::{ask, ask_for};
use crate::client::{administer, bearer, key, prompt, send};
use crate::node::{cancel_within_a_second, join, named, next_prompt};
use crate::support::hub::TestHub;

async fn queue_when(hub: &TestHub, waiting: u64, running: u64) -> Value {
    for _ in 0..500 {
        let queue = administer(hub, "GET", "/queue", None).await.body;
        if queue["waiting"] == waiting && queue["running"] == running {
            return queue;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("there never were {waiting} waiting and {running} running");
}

#[tokio::test]
async fn prompts_are_listed_without_a_word_of_their_text() {
    let hub = TestHub::start().await;
    let (id, secret) = key(&hub, &json!({"name": "robot"})).await;
    let mut node = join(&hub, named("mine")).await;
    let running = ask_for(&hub, &json!({"stream": true}));
    let given = next_prompt(&mut node).await;
    queue_when(&hub, 0, 1).await;
    let authorization = bearer(&secret);
    let headers = [("authorization", authorization.as_str())];
    let body = prompt(&json!({"messages": [{"role": "user", "content": "salainen"}]}));
    let waiting = send(&hub, "POST", "/v1/chat/completions", &headers, Some(&body));
    let looking = async {
        let queue = queue_when(&hub, 1, 1).await;
        assert!(!queue.to_string().contains("salainen"));
        let [first, second] = queue["prompts"].as_array().unwrap().as_slice() else {
            panic!("{queue}")
        };
        assert_eq!(first["state"], "reading");
        assert_eq!(first["task_id"], given.task_id.0.as_str());
        assert_eq!(first["node"]["name"], "mine");
        assert_eq!(first["key"], Value::Null);
        assert_eq!(
            (&second["state"], &second["node"]),
            (&json!("waiting"), &Value::Null)
        );
        assert_eq!(
            second["key"],
            json!({"id": id, "name": "robot", "owner": null})
        );
        assert!(second["expected_prompt_tokens"].as_u64() > Some(0));
        node.token(&given.task_id, 0, "hei").await;
        let mut stream = running.stream().await;
        assert_eq!(stream.text().await, "hei");
        let queue = queue_when(&hub, 1, 1).await;
        assert_eq!(queue["prompts"][0]["state"], "answering");
        let waits = queue["prompts"][1]["task_id"].as_str().unwrap().to_owned();
        administer(&hub, "DELETE", &format!("/queue/{waits}"), None).await
    };
    let (refused, cancelled) = tokio::join!(waiting, looking);
    assert_eq!(cancelled.status, 204);
    assert_eq!(
        (refused.status, refused.code()),
        (403, "cancelled_by_operator")
    );
}

#[tokio::test]
async fn a_prompt_that_runs_is_ended_for_its_client_and_its_node() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("mine")).await;
    let answer = ask(&hub);
    let given = next_prompt(&mut node).await;
    node.token(&given.task_id, 0, "a beginning").await;
    let mut stream = answer.stream().await;
    assert_eq!(stream.text().await, "a beginning");
    let path = format!("/queue/{}", given.task_id.0);
    assert_eq!(administer(&hub, "DELETE", &path, None).await.status, 204);
    let (_, error) = stream.rest().await;
    assert_eq!(error.as_deref(), Some("cancelled_by_operator"));
    assert_eq!(cancel_within_a_second(&mut node).await, given.task_id);
    queue_when(&hub, 0, 0).await;
    assert_eq!(actions(&hub).await, ["prompt.cancelled"]);

    for unknown in [given.task_id.0.as_str(), "task-nobody", "7"] {
        let missing = administer(&hub, "DELETE", &format!("/queue/{unknown}"), None).await;
        assert_eq!(
            (missing.status, missing.code()),
            (404, "not_found"),
            "{unknown}"
        );
    }
}

#[tokio::test]
async fn what_could_not_be_written_down_is_not_done_and_what_was_is_whoever_leaves() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("mine")).await;
    let answer = ask(&hub);
    let given = next_prompt(&mut node).await;
    let path = format!("/queue/{}", given.task_id.0);
    assert!(actions(&hub).await.is_empty());
    let database = hub.directory.path().join("hub.sqlite");
    let lock = rusqlite::Connection::open(database).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let impatient = administer(&hub, "DELETE", &path, None);
    let impatient = tokio::time::timeout(Duration::from_secs(1), impatient).await;
    assert!(impatient.is_err(), "the database is locked");
    queue_when(&hub, 0, 1).await;
    drop(lock);
    assert_eq!(answer.refusal().await.code, "cancelled_by_operator");
    assert_eq!(actions(&hub).await, ["prompt.cancelled"]);
}
