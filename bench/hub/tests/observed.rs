//! What is observed of an answer is what the fake node did.

use std::time::Duration;

use hub::{config::Config, server::Server};
use hub_bench::{
    client::Connection,
    node::{FakeNode, Pace},
    observed::ask,
};
use tempfile::TempDir;

const TOKENS: u64 = 8;
const EVERY: Duration = Duration::from_millis(10);

#[tokio::test]
async fn an_answer_by_the_timetable_is_complete_and_no_faster_than_it() {
    let folder = TempDir::new().unwrap();
    let config = Config::read(|name| match name {
        "PORT" => Some("0".into()),
        "HOME" => Some(folder.path().into()),
        "DATABASE_PATH" => Some(folder.path().join("hub.sqlite").into()),
        _ => None,
    });
    let server = Server::start(&config.unwrap()).await.unwrap();
    let hub = server.address();
    tokio::spawn(server.run(std::future::pending()));
    let pace = Pace {
        tokens: TOKENS,
        every: EVERY,
    };
    let node = FakeNode::new(0, 1, pace).join(hub).await.unwrap();

    let mut connection = Connection::open(hub, None).await.unwrap();
    let observed = ask(&mut connection, TOKENS).await.unwrap();
    assert!(observed.complete, "{observed:?}");
    assert_eq!((observed.frames.len(), observed.late.len()), (8, 7));
    assert!(observed.whole >= EVERY * 7, "{observed:?}");
    assert!(observed.longest_gap >= EVERY / 2, "{observed:?}");

    let observed = ask(&mut connection, TOKENS + 1).await.unwrap();
    assert!(!observed.complete, "one frame fewer than there should be");
    node.abort();
}
