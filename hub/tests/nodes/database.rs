//! A database in trouble costs records, never a prompt; and what it knows of nodes after a restart.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::client::{ask, whole_answer};
use crate::node::{join, named, next_prompt};
use crate::support::{fake_node::MODEL, hub::TestHub};

async fn prompts_flow(hub: &TestHub) {
    let mut node = join(hub, named("one")).await;
    for number in 0..20 {
        let client = ask(hub);
        let prompt = next_prompt(&mut node).await;
        node.answer(&prompt.task_id, &[&number.to_string()]).await;
        assert_eq!(whole_answer(client).await, number.to_string());
    }
}

#[tokio::test]
async fn prompts_flow_while_the_database_is_locked() {
    let hub = TestHub::start().await;
    let database = hub.directory.path().join("hub.sqlite");
    // The hub makes the file; whoever locks it before would be the one who makes it.
    hub.stats().await;
    let lock = rusqlite::Connection::open(database).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    prompts_flow(&hub).await;
    drop(lock);
    hub.stop().await;
}

#[tokio::test]
async fn prompts_flow_where_the_database_can_not_be_written() {
    let directory = std::sync::Arc::new(tempfile::TempDir::new().unwrap());
    // A directory in the file's place can't be opened by anybody, root included.
    std::fs::create_dir(directory.path().join("hub.sqlite")).unwrap();
    let hub = TestHub::in_directory(directory, &[]).await;
    prompts_flow(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn prompts_wait_for_the_nodes_that_were_here_before_a_restart() {
    let hub = TestHub::start().await;
    drop(join(&hub, named("old")).await);
    hub.stats_when(|stats| stats.nodes.is_empty()).await;
    let hub = TestHub::after_a_restart(hub.stop().await).await;
    let client = ask(&hub);
    hub.stats_when(|stats| stats.queue.waiting == 1).await;
    let mut old = join(&hub, named("old")).await;
    let prompt = next_prompt(&mut old).await;
    old.answer(&prompt.task_id, &["back again"]).await;
    assert_eq!(whole_answer(client).await, "back again");
}

#[tokio::test]
async fn a_hub_that_never_had_a_node_waits_for_none() {
    let hub = TestHub::start().await;
    let hub = TestHub::after_a_restart(hub.stop().await).await;
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hei"}]});
    let refused = timeout(Duration::from_secs(5), hub.chat(&body)).await;
    let refused = refused.expect("nobody waits");
    assert_eq!(refused.status(), 503);
}
