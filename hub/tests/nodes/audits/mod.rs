//! Volunteers' answers, judged by a trusted node, and what becomes of those who are caught.

mod answers;
mod judges;
mod suspensions;

use protocol::{AuditPrompt, AuditResult, Hello, HubMessage, NodeMessage, Owner, TaskId};
use serde_json::{Value, json};

use crate::client::{Asking, ask_for, whole_answer};
use crate::node::{browser, named, next_message, next_prompt};
use crate::support::{fake_node::FakeNode, hub::TestHub};

pub(crate) const KEY: &str = "the-hubs-own-key";

/// As in models.toml: what the everyday model's weights are.
pub(crate) const DIGEST: &str =
    "sha256:1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32";

pub(crate) const AINO: &str = "aino-s-own-secret";
pub(crate) const EINO: &str = "eino-s-own-secret";

pub(crate) async fn hub() -> TestHub {
    TestHub::with(&[("NODE_API_KEY", KEY)]).await
}

/// Trusted, with the engine and the model's own weights.
pub(crate) fn auditor(name: &str) -> Hello {
    let mut hello = Hello {
        key: Some(KEY.to_owned()),
        ..named(name)
    };
    hello.models[0].digest = Some(DIGEST.to_owned());
    hello.models[0].runtime = "kipina-engine 0.1.0".to_owned();
    hello
}

pub(crate) fn volunteer(name: &str, owner: &str) -> Hello {
    Hello {
        owner: Some(Owner::try_from(owner.to_owned()).unwrap()),
        ..browser(name)
    }
}

fn ask_browsers(hub: &TestHub, fields: &Value) -> Asking {
    let mut body = json!({"stream": true, "kipina": {"nodes": "browser"}});
    for (field, value) in fields.as_object().unwrap() {
        body[field] = value.clone();
    }
    ask_for(hub, &body)
}

/// Has the volunteer answer a prompt.
async fn answered_by(hub: &TestHub, node: &mut FakeNode, fields: &Value) -> TaskId {
    let client = ask_browsers(hub, fields);
    let prompt = next_prompt(node).await;
    node.answer(&prompt.task_id, &["moi ", "vaan"]).await;
    assert_eq!(whole_answer(client).await, "moi vaan");
    prompt.task_id
}

pub(crate) async fn next_audit(node: &mut FakeNode) -> AuditPrompt {
    match next_message(node).await {
        HubMessage::AuditPrompt(audit) => audit,
        other => panic!("expected an audit, got {other:?}"),
    }
}

/// Every token of the answer lies so far below what the model would have said.
pub(crate) async fn find(node: &mut FakeNode, audit: &AuditPrompt, margin: f32, tokens: usize) {
    node.send(NodeMessage::AuditResult(AuditResult {
        task_id: audit.task_id.clone(),
        logit_margins: vec![margin; tokens],
        sampling_margins: vec![margin; tokens],
    }))
    .await;
}

/// The node does not have anything to say, even after the hub has had the time to ask.
async fn hears_nothing(hub: &TestHub, node: &mut FakeNode) {
    hub.stats().await;
    let heard = tokio::time::timeout(std::time::Duration::from_millis(200), node.receive()).await;
    assert!(heard.is_err(), "{heard:?}");
}

async fn administer(hub: &TestHub, path: &str) -> Value {
    let answered = hub.get(&format!("/api/admin{path}")).await;
    assert_eq!(answered.status(), 200);
    serde_json::from_slice(&answered.bytes().await.unwrap()).unwrap()
}

/// How the node with this name stands with its model.
async fn standing(hub: &TestHub, name: &str) -> Value {
    let audits = administer(hub, "/audits").await;
    let mut standings = audits["standings"].as_array().unwrap().iter();
    let its = standings.find(|standing| standing["node_name"] == name);
    its.unwrap_or_else(|| panic!("{name} does not stand in {audits}"))
        .clone()
}
