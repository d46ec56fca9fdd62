//! The live feed of the statistics, and what it must never cost anybody.

use std::pin::Pin;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use futures_util::Stream;
use protocol::{Hello, Owner, Stats};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::client::{ask, whole_answer};
use crate::node::{join, named, next_prompt};
use crate::support::{http, hub::TestHub, hub::router_with, sse};

const PATIENCE: Duration = Duration::from_secs(20);

/// A client that listens. Dropping it closes its connection.
struct Listener {
    body: Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    buffer: String,
}

async fn request(hub: &TestHub) -> reqwest::Response {
    let request = http::client().get(hub.url("/api/stats/live"));
    timeout(PATIENCE, request.send()).await.unwrap().unwrap()
}

async fn listen(hub: &TestHub) -> Listener {
    let response = request(hub).await;
    assert_eq!(response.status(), 200);
    Listener {
        body: Box::pin(response.bytes_stream()),
        buffer: String::new(),
    }
}

impl Listener {
    /// The next event as it is written; none where the stream has ended.
    async fn event(&mut self) -> Option<String> {
        timeout(PATIENCE, sse::next_event(&mut self.body, &mut self.buffer))
            .await
            .expect("the stream does not hang")
    }

    async fn stats(&mut self) -> Stats {
        let event = self.event().await.expect("the stream goes on");
        serde_json::from_str(event.strip_prefix("data: ").expect("an event")).unwrap()
    }

    async fn stats_when(&mut self, wished: impl Fn(&Stats) -> bool) -> Stats {
        loop {
            let stats = self.stats().await;
            if wished(&stats) {
                return stats;
            }
        }
    }
}

#[tokio::test]
async fn a_listener_hears_what_is_and_then_what_changes() {
    let hub = TestHub::start().await;
    let response = request(&hub).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-accel-buffering"), "no");

    let mut listener = listen(&hub).await;
    assert_eq!(listener.stats().await, hub.stats().await);
    let mut node = join(&hub, named("one")).await;
    listener.stats_when(|stats| stats.nodes.len() == 1).await;
    // Whoever comes later hears at once what is, not what was.
    let mut later = listen(&hub).await;
    assert_eq!(later.stats().await.nodes.len(), 1);

    let client = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    listener.stats_when(|stats| stats.nodes[0].busy == 1).await;
    node.answer(&prompt.task_id, &["one ", "two ", "three"])
        .await;
    whole_answer(client).await;
    let answered = listener.stats_when(|stats| stats.totals.prompts == 1).await;
    assert_eq!(answered.nodes[0].prompts, 1);
    assert_eq!(answered.rates.prompts_per_minute, 1.0);
    assert_eq!(answered.rates.tokens_per_second, 0.05);
    drop(node);
    listener.stats_when(|stats| stats.nodes.is_empty()).await;
    later.stats_when(|stats| stats.nodes.is_empty()).await;
}

#[tokio::test]
async fn changes_come_together_at_most_once_a_second() {
    let hub = TestHub::start().await;
    let mut listener = listen(&hub).await;
    listener.stats().await;
    let started = Instant::now();
    let mut nodes = Vec::new();
    for number in 0..30 {
        nodes.push(join(&hub, named(&number.to_string())).await);
    }
    let mut events = 0;
    loop {
        events += 1;
        if listener.stats().await.nodes.len() == 30 {
            break;
        }
    }
    let most = started.elapsed().as_secs() + 1;
    assert!(events <= most, "{events} events within {most} s");
}

#[tokio::test]
async fn a_client_that_never_reads_holds_up_nobody() {
    let hub = TestHub::start().await;
    let mut stuck = Vec::new();
    for _ in 0..20 {
        let mut socket = TcpStream::connect(hub.address).await.unwrap();
        socket
            .write_all(b"GET /api/stats/live HTTP/1.1\r\nhost: hub\r\n\r\n")
            .await
            .unwrap();
        stuck.push(socket);
    }
    let mut listener = listen(&hub).await;
    let mut nodes = Vec::new();
    for number in 0..3 {
        nodes.push(join(&hub, named(&number.to_string())).await);
        listener
            .stats_when(|stats| stats.nodes.len() == nodes.len())
            .await;
    }
    timeout(PATIENCE, hub.stop()).await.expect("nor the end");
}

#[tokio::test]
async fn one_address_has_so_many_listeners_and_gets_them_back() {
    let hub = TestHub::with(&[("CONNECTIONS_PER_ADDRESS", "1")]).await;
    let mut listener = listen(&hub).await;
    listener.stats().await;
    let refused = request(&hub).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    assert!(
        refused
            .text()
            .await
            .unwrap()
            .contains("127.0.0.1 already has 1")
    );
    // Nodes are counted apart.
    let _node = join(&hub, named("one")).await;

    drop(listener);
    for _ in 0..500 {
        if request(&hub).await.status() == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a listener that left never gave its place back");
}

#[tokio::test]
async fn a_hub_that_stops_ends_the_feed_and_does_not_wait_for_it() {
    let hub = TestHub::start().await;
    let mut listener = listen(&hub).await;
    listener.stats().await;
    let started = Instant::now();
    let ended = async { while listener.event().await.is_some() {} };
    tokio::join!(hub.stop(), ended);
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn nothing_secret_is_told() {
    const SECRET: &str = "aino-s-own-secret";
    let hub = TestHub::start().await;
    let _node = join(
        &hub,
        Hello {
            owner: Some(Owner::try_from(SECRET.to_owned()).unwrap()),
            only_own: true,
            ..named("one")
        },
    )
    .await;
    let event = listen(&hub).await.event().await.unwrap();
    assert!(event.contains(r#""only_own":true"#), "{event}");
    for secret in [SECRET, "127.0.0.1"] {
        assert!(!event.contains(secret), "{event}");
    }
}

#[tokio::test]
async fn foreign_pages_may_not_listen() {
    let hub = TestHub::start().await;
    let request = http::client()
        .get(hub.url("/api/stats/live"))
        .header("origin", "https://evil.example");
    assert_eq!(request.send().await.unwrap().status(), 403);
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_a_comment() {
    let directory = tempfile::TempDir::new().unwrap();
    let router = router_with(directory.path(), &[]);
    let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    let request = Request::get("/api/stats/live")
        .extension(ConnectInfo(peer))
        .body(Body::empty());
    let response = router.clone().oneshot(request.unwrap()).await.unwrap();
    let mut body = Box::pin(response.into_body().into_data_stream());
    let mut buffer = String::new();
    let started = tokio::time::Instant::now();
    let event = sse::next_event(&mut body, &mut buffer).await.unwrap();
    assert!(event.starts_with("data: "), "{event}");
    assert!(started.elapsed() < Duration::from_secs(1));
    let comment = sse::next_event(&mut body, &mut buffer).await.unwrap();
    assert!(comment.starts_with(':'), "{comment}");
    assert_eq!(started.elapsed().as_secs(), 15);
}
