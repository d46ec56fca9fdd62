//! Clients that take their time.

use std::{fs::File, time::Duration};

use hub::config::Config;
use tokio::time::{Instant, sleep};

use super::{client::Client, support::hub::TestHub};

const SHORT: Duration = Duration::from_millis(300);

/// Long enough for a busy machine, and short of every other limit.
const MUCH_LONGER: Duration = Duration::from_secs(15);

async fn hub(tune: impl FnOnce(&mut Config)) -> TestHub {
    TestHub::tuned(tune).await
}

#[tokio::test]
async fn a_head_that_trickles_is_hung_up_on() {
    let hub = hub(|config| config.http.head_deadline = SHORT).await;
    let began = Instant::now();
    let mut client = Client::connect(hub.address).await;
    client.send("GET /healthz HTTP/1.1\r\n").await;
    for number in 0..8 {
        client.send(&format!("x-{number}: slow\r\n")).await;
        sleep(SHORT / 5).await;
    }
    let answer = client.rest().await;
    assert_eq!(answer.text, "", "there is nothing to answer");
    assert!(began.elapsed() >= SHORT && began.elapsed() < MUCH_LONGER);
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let hub = hub(|config| config.http.head_deadline = SHORT).await;
    let mut client = Client::connect(hub.address).await;
    assert_eq!(client.rest().await.text, "");
}

#[tokio::test]
async fn an_idle_connection_is_used_again_or_closed() {
    let hub = hub(|config| config.http.head_deadline = Duration::from_secs(2)).await;
    let mut client = Client::connect(hub.address).await;
    for _ in 0..2 {
        client
            .send("GET /healthz HTTP/1.1\r\nhost: hub\r\n\r\n")
            .await;
        assert_eq!(client.answer().await.status(), 200);
    }
    assert!(client.stays_open(Duration::from_millis(500)).await);
    assert_eq!(client.rest().await.text, "");
}

#[tokio::test]
async fn a_body_that_trickles_is_told_so_and_costs_no_more() {
    let hub = hub(|config| {
        config.http.body_grace = SHORT;
        config.http.body_bytes_per_second = 1 << 20;
    })
    .await;
    let mut client = Client::connect(hub.address).await;
    client
        .send("POST /v1/chat/completions HTTP/1.1\r\nhost: hub\r\ncontent-length: 100\r\n\r\n")
        .await;
    for _ in 0..8 {
        client.send(" ").await;
        sleep(SHORT / 5).await;
    }
    let answer = client.rest().await;
    assert_eq!(answer.status(), 408, "{}", answer.text);
    assert_eq!(answer.error()["code"], "request_timeout");
}

#[tokio::test]
async fn a_body_in_endless_chunks_is_refused_at_the_limit() {
    let hub = TestHub::with(&[("MAX_BODY_BYTES", "2000")]).await;
    let mut client = Client::connect(hub.address).await;
    client
        .send(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: hub\r\ntransfer-encoding: chunked\r\n\r\n",
        )
        .await;
    for _ in 0..5 {
        client
            .send(&format!("200\r\n{}\r\n", " ".repeat(512)))
            .await;
    }
    let answer = client.rest().await;
    assert_eq!(answer.status(), 413, "{}", answer.text);
    assert_eq!(answer.error()["code"], "request_too_large");
}

/// A connection that is closed on what nobody has read is reset, and the answer with it.
#[tokio::test]
async fn a_body_that_is_sent_to_its_end_before_anything_is_read_gets_its_refusal() {
    let bytes = 5 << 20;
    for (access, status, code) in [
        ("open", 413, "request_too_large"),
        ("keys", 401, "missing_api_key"),
    ] {
        let hub = TestHub::with(&[("MAX_BODY_BYTES", "2000"), ("ACCESS", access)]).await;
        let mut client = Client::connect(hub.address).await;
        client
            .send(&format!(
                "POST /v1/chat/completions HTTP/1.1\r\nhost: hub\r\ncontent-length: {bytes}\r\n\r\n{}",
                " ".repeat(bytes)
            ))
            .await;
        let answer = client.answer().await;
        assert_eq!(answer.status(), status, "{}", answer.text);
        assert_eq!(answer.error()["code"], code);
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_left() {
    let hub = hub(|config| {
        config.http.write_patience = SHORT;
        config.models_directory = config.database_path.parent().unwrap().to_owned();
    })
    .await;
    // More than the buffers of both ends; nothing of it takes room on the disk.
    let bytes = 256 << 20;
    let model = &hub::models::catalogue().unwrap().models[0];
    let file = File::create(hub.directory.path().join(&model.file)).unwrap();
    file.set_len(bytes).unwrap();

    let mut client = Client::connect(hub.address).await;
    client
        .send(&format!(
            "GET /models/{} HTTP/1.1\r\nhost: hub\r\n\r\n",
            model.file
        ))
        .await;
    sleep(SHORT * 5).await;
    let answer = client.rest().await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.header("content-length"),
        Some(bytes.to_string().as_str())
    );
    assert!((answer.text.len() as u64) < bytes, "the rest never came");
}
