//! Volunteers' answers, judged by a trusted node, and what becomes of those who are caught.

use protocol::{
    AuditPrompt, AuditResult, Hello, HubMessage, LlmError, LlmErrorCode, NodeKind, NodeMessage,
    Owner, TaskId,
};
use serde_json::{Value, json};

use crate::client::{Asking, ask_for, whole_answer};
use crate::node::{browser, join, named, next_message, next_prompt, wait_until_gone};
use crate::support::{fake_node::FakeNode, hub::TestHub};

const KEY: &str = "the-hubs-own-key";

/// As in models.toml: what the everyday model's weights are.
const DIGEST: &str = "sha256:1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32";

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

pub(crate) const AINO: &str = "aino-s-own-secret";
pub(crate) const EINO: &str = "eino-s-own-secret";

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

#[tokio::test]
async fn an_auditor_gets_prompt_and_answer_as_they_were() {
    let hub = hub().await;
    let mut auditor = join(&hub, auditor("auditor")).await;
    let mut volunteer = join(&hub, volunteer("tab", AINO)).await;
    answered_by(&hub, &mut volunteer, &json!({"temperature": 0, "top_k": 7})).await;
    let audit = next_audit(&mut auditor).await;
    assert_eq!(audit.answer, "moi vaan");
    assert_eq!(audit.finish_reason, Some(protocol::FinishReason::Stop));
    assert_eq!(audit.request.sampling.top_k, 7);
    let told = serde_json::to_string(&audit).unwrap();
    assert!(
        told.contains(r#""content":"hei""#) && !told.contains(AINO),
        "{told}"
    );
}

#[tokio::test]
async fn who_is_caught_gets_nothing_more_and_what_it_has_goes_to_another() {
    let hub = hub().await;
    let mut auditor = join(&hub, auditor("auditor")).await;
    let mut cheat = join(&hub, volunteer("cheat", AINO)).await;
    answered_by(&hub, &mut cheat, &json!({})).await;
    let audit = next_audit(&mut auditor).await;

    let client = ask_browsers(&hub, &json!({}));
    let given_first = next_prompt(&mut cheat).await;
    cheat.token(&given_first.task_id, 0, "half ").await;
    let mut other = join(&hub, volunteer("other", EINO)).await;
    find(&mut auditor, &audit, 2.0, 300).await;
    assert!(matches!(
        next_message(&mut cheat).await,
        HubMessage::LlmCancel(cancel) if cancel.task_id == given_first.task_id
    ));
    let prompt = next_prompt(&mut other).await;
    assert_eq!(prompt.continue_from.as_deref(), Some("half "));
    other.answer(&prompt.task_id, &["and half"]).await;
    assert_eq!(whole_answer(client).await, "half and half");

    let stats = hub.stats().await;
    let suspended = stats.nodes.iter().filter(|node| node.suspended);
    assert_eq!(
        suspended.map(|node| &node.name[..]).collect::<Vec<_>>(),
        ["cheat"]
    );

    // Another connection, or another name, is no other owner.
    drop(cheat);
    wait_until_gone(&hub, "cheat").await;
    let _again = join(&hub, volunteer("reformed", AINO)).await;
    drop(other);
    wait_until_gone(&hub, "other").await;
    let refused = ask_browsers(&hub, &json!({})).refusal().await;
    assert_eq!(refused.status, 503);

    let directory = hub.stop().await;
    let database = rusqlite::Connection::open(directory.path().join("hub.sqlite")).unwrap();
    let kept = database.query_row(
        "SELECT node_name, model, sampled, tokens, mean_margin, good FROM audits",
        [],
        |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
            ))
        },
    );
    let kept: (String, String, String, u32, f64, bool) = kept.unwrap();
    let model = crate::support::fake_node::MODEL.to_owned();
    assert_eq!(
        kept,
        (
            "cheat".to_owned(),
            model,
            "nucleus".to_owned(),
            300,
            2.0,
            false
        )
    );
}

#[tokio::test]
async fn an_honest_node_goes_on_answering() {
    let hub = hub().await;
    let mut auditor = join(&hub, auditor("auditor")).await;
    let mut volunteer = join(&hub, volunteer("tab", AINO)).await;
    for _ in 0..3 {
        answered_by(&hub, &mut volunteer, &json!({})).await;
        let audit = next_audit(&mut auditor).await;
        find(&mut auditor, &audit, 0.0, 300).await;
    }
    answered_by(&hub, &mut volunteer, &json!({})).await;
    assert!(hub.stats().await.nodes.iter().all(|node| !node.suspended));
}

#[tokio::test]
async fn an_audit_waits_until_its_node_has_answered() {
    let hub = hub().await;
    let mut auditor = join(&hub, auditor("auditor")).await;
    let mut volunteer = join(&hub, volunteer("tab", AINO)).await;
    let client = ask_for(
        &hub,
        &json!({"stream": true, "kipina": {"nodes": "native"}}),
    );
    let prompt = next_prompt(&mut auditor).await;
    answered_by(&hub, &mut volunteer, &json!({})).await;
    hears_nothing(&hub, &mut auditor).await;
    auditor.answer(&prompt.task_id, &["done"]).await;
    assert_eq!(whole_answer(client).await, "done");
    next_audit(&mut auditor).await;

    // One at a time, and prompts come beside it.
    answered_by(&hub, &mut volunteer, &json!({})).await;
    hears_nothing(&hub, &mut auditor).await;
    let client = ask_for(
        &hub,
        &json!({"stream": true, "kipina": {"nodes": "native"}}),
    );
    let prompt = next_prompt(&mut auditor).await;
    auditor.answer(&prompt.task_id, &["done"]).await;
    assert_eq!(whole_answer(client).await, "done");
}

#[tokio::test]
async fn what_is_nobody_elses_or_can_not_be_judged_is_not_audited() {
    let hub = hub().await;
    let mut auditor = join(&hub, auditor("auditor")).await;
    let mut other_weights = self::auditor("other weights");
    other_weights.models[0].digest = Some("sha256:00".to_owned());
    let mut other_weights = join(&hub, other_weights).await;
    let mut volunteer = join(&hub, volunteer("tab", AINO)).await;
    let own = json!({"kipina": {"nodes": "browser", "owner": AINO}});
    answered_by(&hub, &mut volunteer, &own).await;
    let anything = json!({"temperature": 1.0, "top_p": 1.0});
    answered_by(&hub, &mut volunteer, &anything).await;
    let client = ask_for(
        &hub,
        &json!({"stream": true, "kipina": {"nodes": "trusted"}}),
    );
    tokio::select! {
        prompt = next_prompt(&mut auditor) => auditor.answer(&prompt.task_id, &["trusted"]).await,
        prompt = next_prompt(&mut other_weights) => {
            other_weights.answer(&prompt.task_id, &["trusted"]).await;
        }
    }
    assert_eq!(whole_answer(client).await, "trusted");
    hears_nothing(&hub, &mut auditor).await;

    answered_by(&hub, &mut volunteer, &json!({})).await;
    next_audit(&mut auditor).await;
    hears_nothing(&hub, &mut other_weights).await;
}

#[tokio::test]
async fn an_auditor_that_leaves_is_followed_by_another_and_one_that_can_not_is_forgotten() {
    let hub = hub().await;
    let mut first = join(&hub, auditor("first")).await;
    let mut volunteer = join(&hub, volunteer("tab", AINO)).await;
    answered_by(&hub, &mut volunteer, &json!({})).await;
    next_audit(&mut first).await;
    let mut second = join(&hub, auditor("second")).await;
    drop(first);
    let audit = next_audit(&mut second).await;
    second
        .send(NodeMessage::LlmError(LlmError {
            task_id: audit.task_id,
            code: LlmErrorCode::OutOfMemory,
            message: "no memory".to_owned(),
            retryable: true,
        }))
        .await;
    answered_by(&hub, &mut volunteer, &json!({})).await;
    let audit = next_audit(&mut second).await;
    find(&mut second, &audit, 0.0, 2).await;
    assert!(hub.stats().await.nodes.iter().all(|node| !node.suspended));
}

#[tokio::test]
async fn without_a_trusted_engine_nothing_is_audited() {
    let hub = hub().await;
    let mut proxy = auditor("proxy");
    proxy.models[0].runtime = "ollama 0.13.5".to_owned();
    let mut proxy = join(&hub, proxy).await;
    let mut own_word = auditor("tab that judges");
    (own_word.kind, own_word.key) = (NodeKind::Browser, None);
    own_word.slots = 0;
    let mut own_word = join(&hub, own_word).await;
    let mut volunteer = join(&hub, volunteer("tab", AINO)).await;
    answered_by(&hub, &mut volunteer, &json!({})).await;
    hears_nothing(&hub, &mut proxy).await;
    hears_nothing(&hub, &mut own_word).await;
}
