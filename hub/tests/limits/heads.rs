//! Requests whose head is too much, or none.

use super::{client::Client, support::hub::TestHub};

#[tokio::test]
async fn heads_may_be_long_and_not_longer() {
    let hub = TestHub::start().await;
    let request = |bytes: usize| {
        let padding = "x".repeat(bytes);
        format!(
            "GET /healthz HTTP/1.1\r\nhost: hub\r\nconnection: close\r\nx-padding: {padding}\r\n\r\n"
        )
    };
    let lines = |count: usize| {
        let lines: String = (0..count).map(|n| format!("x-{n}: 1\r\n")).collect();
        format!("GET /healthz HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n{lines}\r\n")
    };
    let target = |bytes: usize| {
        let query = "x".repeat(bytes);
        format!("GET /healthz?{query} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n")
    };
    for (request, status) in [
        (request(30 << 10), 200),
        (request(33 << 10), 431),
        (request(10 << 20), 431),
        (lines(90), 200),
        (lines(101), 431),
        (target(30 << 10), 200),
        (target(33 << 10), 431),
    ] {
        let mut client = Client::connect(hub.address).await;
        client.send(&request).await;
        let answer = client.rest().await;
        let (beginning, bytes) = (&request[..30], request.len());
        // What was not read any more may take the answer with it.
        let is_lost = bytes > 1 << 20 && answer.text.is_empty();
        assert!(
            answer.status() == status || is_lost,
            "{beginning}… of {bytes} bytes: {}",
            answer.text
        );
    }
    assert_eq!(hub.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_hung_up_on() {
    let hub = TestHub::start().await;
    for (garbage, status) in [
        ("\0\u{1}\u{2}\u{3}\r\n\r\n", 400),
        ("hello hub\r\n\r\n", 400),
        ("GET /healthz HTTP/9.9\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n: no name\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n folded: line\r\n\r\n", 400),
        ("GET /hea\u{7f}lthz HTTP/1.1\r\n\r\n", 400),
        // A proxy that reads one of the two lengths would take the rest for another request.
        (
            "POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\nabcde",
            400,
        ),
        (
            "POST /v1/chat/completions HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
            400,
        ),
        (
            "POST /v1/chat/completions HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n",
            400,
        ),
        // HTTP/2 is spoken to proxies only: there is no language to refuse it in.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0),
    ] {
        let mut client = Client::connect(hub.address).await;
        client.send(garbage).await;
        let answer = client.rest().await;
        assert_eq!(answer.status(), status, "{garbage:?}: {}", answer.text);
    }
    assert_eq!(hub.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn garbage_behind_a_request_spoils_only_itself() {
    let hub = TestHub::start().await;
    let mut client = Client::connect(hub.address).await;
    client
        .send("GET /healthz HTTP/1.1\r\nhost: hub\r\n\r\n\u{1}\u{2}garbage\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n")
        .await;
    let answer = client.rest().await;
    assert_eq!(
        answer.text.matches("HTTP/1.1 200").count(),
        1,
        "{}",
        answer.text
    );
    assert_eq!(
        answer.text.matches("HTTP/1.1 400").count(),
        1,
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn bodies_that_are_packed_are_not_unpacked() {
    let hub = TestHub::start().await;
    for (encoding, status) in [
        ("gzip", 415),
        ("br", 415),
        ("zstd, identity", 415),
        ("x-unknown", 415),
        ("identity", 400),
    ] {
        let mut client = Client::connect(hub.address).await;
        client
            .send(&format!(
                "POST /v1/chat/completions HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\
                 content-encoding: {encoding}\r\ncontent-length: 3\r\n\r\nabc"
            ))
            .await;
        let answer = client.rest().await;
        assert_eq!(answer.status(), status, "{encoding}: {}", answer.text);
        if status == 415 {
            assert_eq!(answer.error()["code"], "unsupported_encoding");
        }
    }
}
