//! A database in trouble costs records, never a prompt.

use crate::client::{ask, whole_answer};
use crate::node::{join, named, next_prompt};
use crate::support::hub::TestHub;

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
