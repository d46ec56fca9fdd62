//! A hub that stops finishes what runs and tells its nodes.

use std::time::Duration;

use protocol::{FinishReason, HubMessage, Usage, close_code};

use tokio::{net::TcpStream, time::sleep};

use crate::client::{ask, whole_answer};
use crate::node::{close_code, join, named, next_message, next_prompt};
use crate::support::hub::TestHub;

#[tokio::test]
async fn what_runs_is_finished_what_waits_is_refused_and_nodes_are_told() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("one")).await;
    let running = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    node.token(&prompt.task_id, 0, "all ").await;
    let running = running.stream().await;
    let queued = ask(&hub);
    hub.stats_when(|stats| stats.queue.waiting == 1).await;

    let finish = async {
        assert!(matches!(
            next_message(&mut node).await,
            HubMessage::Drain(_)
        ));
        assert_eq!(queued.refusal().await.status, 503);
        node.token(&prompt.task_id, 1, "is well").await;
        node.done(&prompt.task_id, FinishReason::Stop, Usage::default())
            .await;
        assert_eq!(running.rest().await, ("all is well".to_owned(), None));
        assert_eq!(close_code(node).await, Some(close_code::HUB_STOPPING));
    };
    tokio::join!(hub.stop(), finish);
}

#[tokio::test]
async fn behind_a_proxy_that_waits_for_the_next_hub_the_queue_is_answered_and_nobody_let_in() {
    let hub = TestHub::with(&[("DRAIN", "finish")]).await;
    let mut node = join(&hub, named("one")).await;
    let running = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    node.token(&prompt.task_id, 0, "all ").await;
    let running = running.stream().await;
    let queued = ask(&hub);
    hub.stats_when(|stats| stats.queue.waiting == 1).await;

    let address = hub.address;
    let finish = async {
        while TcpStream::connect(address).await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
        node.token(&prompt.task_id, 1, "is well").await;
        node.done(&prompt.task_id, FinishReason::Stop, Usage::default())
            .await;
        assert_eq!(running.rest().await, ("all is well".to_owned(), None));
        let prompt = next_prompt(&mut node).await;
        node.answer(&prompt.task_id, &["in its turn"]).await;
        assert_eq!(whole_answer(queued).await, "in its turn");
        let HubMessage::Drain(drain) = next_message(&mut node).await else {
            panic!("the node is told to come back");
        };
        assert!(drain.reconnect_within_ms.is_some());
    };
    tokio::join!(hub.stop(), finish);
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_ended_with_an_error() {
    let patience = Duration::from_millis(300);
    let hub = TestHub::tuned(|config| config.drain_patience = patience).await;
    let mut node = join(&hub, named("one")).await;
    let running = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    node.token(&prompt.task_id, 0, "half").await;
    let running = running.stream().await;
    let ended = async {
        let (text, error) = running.rest().await;
        assert_eq!(
            (text.as_str(), error.as_deref()),
            ("half", Some("hub_stopping"))
        );
        drop(node);
    };
    tokio::join!(hub.stop(), ended);
}
