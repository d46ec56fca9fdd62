//! The log as programs read it.

use std::io::Read;

use protocol::LlmErrorCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    fake_node::{FakeNode, MODEL, hello},
    http,
    process::{start, terminate},
};

#[tokio::test]
async fn lines_are_objects_with_the_ids_of_request_task_and_node() {
    let home = TempDir::new().unwrap();
    let (mut child, address) = start(&home, &[("LOG_FORMAT", "json")]);
    let mut node = FakeNode::join(&format!("ws://{address}/ws"), hello(MODEL)).await;
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "salainen"}]});
    let request = http::client()
        .post(format!("http://{address}/v1/chat/completions"))
        .header("x-request-id", "mine")
        .body(body.to_string());
    let asking = tokio::spawn(request.send());
    let prompt = node.prompt().await;
    node.error(&prompt.task_id, LlmErrorCode::OutOfMemory, "full")
        .await;
    assert!(asking.await.unwrap().unwrap().status().is_server_error());
    terminate(&child);
    let mut log = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert!(child.wait().unwrap().success());

    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let failed = lines
        .iter()
        .find(|line| line["message"] == "a prompt failed")
        .unwrap_or_else(|| panic!("no such line: {log}"));
    assert_eq!(failed["task_id"], prompt.task_id.0.as_str());
    assert_eq!(failed["node_id"], node.welcome.node_id.as_str());
    assert_eq!(failed["ending"], "out_of_memory");
    assert_eq!(failed["spans"][0]["request_id"], "mine");
    assert_eq!(failed["spans"][0]["http.route"], "/v1/chat/completions");
    assert!(
        !log.contains("salainen"),
        "texts stay out of the log: {log}"
    );
}
