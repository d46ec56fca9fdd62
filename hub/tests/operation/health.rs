//! `/healthz` and `/readyz`.

use std::{fs, sync::Arc, time::Duration};

use protocol::{FinishReason, Usage};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    fake_node::{FakeNode, MODEL, hello},
    http,
    hub::TestHub,
    process::{hub, start, terminate, text},
};

async fn ready(url: &str) -> (u16, Value) {
    let response = http::client().get(url).send().await.unwrap();
    let status = response.status().as_u16();
    (
        status,
        serde_json::from_str(&response.text().await.unwrap()).unwrap(),
    )
}

#[tokio::test]
async fn a_hub_is_ready_from_the_start() {
    let hub = TestHub::start().await;
    let (status, body) = ready(&hub.url("/readyz")).await;
    assert_eq!((status, &body["status"]), (200, &json!("ready")));
    for check in ["database", "dispatcher", "accepting"] {
        assert_eq!(body["checks"][check], json!({"ok": true}));
    }
    assert_eq!(hub.get("/healthz").await.status(), 200);
    hub.stop().await;
}

#[test]
fn a_health_check_needs_nothing_but_the_program() {
    let home = TempDir::new().unwrap();
    let check = |port: &str, bind: &str| {
        let settings = [
            ("PORT", port),
            ("BIND", bind),
            ("ADMIN_PASSWORD", "oikea-hevonen"),
        ];
        let output = hub(&home, &settings).arg("ready").output().unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        (output.status.code(), said)
    };
    let (mut child, address) = start(&home, &[]);
    let (_, port) = address.rsplit_once(':').unwrap();
    for bind in ["127.0.0.1", "0.0.0.0"] {
        let (code, said) = check(port, bind);
        assert_eq!(code, Some(0), "{said}");
        assert!(
            said.contains(&format!("ready at 127.0.0.1:{port}")),
            "{said}"
        );
    }
    terminate(&child);
    assert!(child.wait().unwrap().success());
    let (code, said) = check(port, "127.0.0.1");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("No hub answers"), "{said}");

    // A directory in the database's place.
    let broken = TempDir::new().unwrap();
    fs::create_dir_all(broken.path().join(".local/share/kipina/kipina.sqlite")).unwrap();
    let (mut child, address) = start(&broken, &[]);
    let (code, said) = check(address.rsplit_once(':').unwrap().1, "127.0.0.1");
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("not ready") && said.contains("database"),
        "{said}"
    );
    terminate(&child);
    child.wait().unwrap();
}

#[tokio::test]
async fn a_hub_that_can_not_write_lives_but_is_not_ready() {
    let directory = Arc::new(TempDir::new().unwrap());
    // A directory in the file's place can't be opened by anybody, root included.
    fs::create_dir(directory.path().join("hub.sqlite")).unwrap();
    let hub = TestHub::in_directory(Arc::clone(&directory), &[]).await;
    let (status, body) = ready(&hub.url("/readyz")).await;
    assert_eq!((status, &body["status"]), (503, &json!("not_ready")));
    assert_eq!(body["checks"]["database"]["ok"], false);
    assert!(body["checks"]["database"]["message"].is_string());
    assert_eq!(body["checks"]["dispatcher"]["ok"], true);
    assert_eq!(hub.get("/healthz").await.status(), 200);

    fs::remove_dir(directory.path().join("hub.sqlite")).unwrap();
    // The last answer holds for a second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(
        ready(&hub.url("/readyz")).await.0,
        200,
        "it has been mended"
    );
    hub.stop().await;
}

#[tokio::test]
async fn a_hub_that_stops_is_not_ready_while_it_finishes() {
    let hub = TestHub::start().await;
    let mut node = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hei"}]});
    let (url, chat) = (hub.url("/readyz"), hub.url("/v1/chat/completions"));
    let asking = http::client().post(&chat).body(body.to_string()).send();
    let asking = tokio::spawn(asking);
    let prompt = node.prompt().await;
    let stopping = tokio::spawn(hub.stop());
    let (mut status, mut told) = ready(&url).await;
    for _ in 0..100 {
        if status == 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        (status, told) = ready(&url).await;
    }
    assert_eq!(status, 503);
    assert_eq!(told["checks"]["accepting"]["ok"], false);
    assert_eq!(told["checks"]["dispatcher"]["ok"], true);
    let refused = http::client().post(&chat).body(body.to_string());
    let refused = refused.send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));

    node.token(&prompt.task_id, 0, "valmis").await;
    node.done(&prompt.task_id, FinishReason::Stop, Usage::default())
        .await;
    let answer = asking.await.unwrap().unwrap().text().await.unwrap();
    assert!(answer.contains("valmis"), "{answer}");
    stopping.await.unwrap();
}
