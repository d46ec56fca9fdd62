//! What operators see and decide while the hub runs: nodes, prompts, settings, the log.

#[path = "../nodes/client.rs"]
#[expect(dead_code, reason = "these tests need a part of it")]
mod asking;
#[path = "../keys/client.rs"]
#[expect(dead_code, reason = "these tests need a part of it")]
mod client;
mod log;
#[path = "../nodes/node.rs"]
#[expect(dead_code, reason = "these tests need a part of it")]
mod node;
mod nodes;
mod queue;
mod settings;
#[path = "../support/mod.rs"]
mod support;

use serde_json::Value;

use client::administer;
use support::hub::TestHub;

/// The actions of the audit log, the latest first.
async fn actions(hub: &TestHub) -> Vec<String> {
    let log = administer(hub, "GET", "/audit-log", None).await.body;
    let entries = log["entries"].as_array().unwrap();
    let action = |entry: &Value| entry["action"].as_str().unwrap().to_owned();
    entries.iter().map(action).collect()
}
