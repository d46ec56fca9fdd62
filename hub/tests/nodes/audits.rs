//! Volunteers' answers, judged by a trusted node, and what becomes of those who are caught.

use protocol::{
    AuditPrompt, AuditResult, FinishReason, Hello, HubMessage, LlmError, LlmErrorCode, NodeKind,
    NodeMessage, NodeStatus, Owner, TaskId, Usage,
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
    assert_eq!(audit.finish_reason, Some(FinishReason::Stop));
    assert_eq!(audit.request.sampling.top_k, 7);
    let told = serde_json::to_string(&audit).unwrap();
    assert!(
        told.contains(r#""content":"hei""#) && !told.contains(AINO),
        "{told}"
    );
}

#[tokio::test]
async fn neither_another_spelling_nor_taking_the_model_back_is_a_way_out() {
    let hub = hub().await;
    let mut auditor = join(&hub, auditor("auditor")).await;
    let mut hello = volunteer("tab", AINO);
    hello.models[0].id += ":latest";
    let model = hello.models[0].clone();
    let mut tab = join(&hub, hello).await;
    answered_by(&hub, &mut tab, &json!({})).await;
    let audit = next_audit(&mut auditor).await;
    assert_eq!(audit.answer, "moi vaan");
    find(&mut auditor, &audit, 0.0, 2).await;

    let client = ask_browsers(&hub, &json!({}));
    let prompt = next_prompt(&mut tab).await;
    tab.token(&prompt.task_id, 0, "anything").await;
    let offer = |models| {
        NodeMessage::NodeStatus(NodeStatus {
            models: Some(models),
            ..NodeStatus::default()
        })
    };
    tab.send(offer(Vec::new())).await;
    tab.done(&prompt.task_id, FinishReason::Stop, Usage::default())
        .await;
    tab.send(offer(vec![model])).await;
    assert_eq!(whole_answer(client).await, "anything");
    assert_eq!(next_audit(&mut auditor).await.answer, "anything");
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
}

/// One answer of the volunteer's, which is plainly not the model's.
async fn catch(hub: &TestHub, auditor: &mut FakeNode, volunteer: &mut FakeNode) {
    answered_by(hub, volunteer, &json!({})).await;
    let audit = next_audit(auditor).await;
    find(auditor, &audit, 2.0, 300).await;
    hub.stats_when(|stats| stats.nodes.iter().any(|node| node.suspended))
        .await;
}

async fn administer(hub: &TestHub, path: &str) -> Value {
    let answered = hub.get(&format!("/api/admin{path}")).await;
    assert_eq!(answered.status(), 200);
    serde_json::from_slice(&answered.bytes().await.unwrap()).unwrap()
}

/// Once so many are written.
async fn written_verdicts(hub: &TestHub, count: usize) -> Value {
    for _ in 0..500 {
        let verdicts = administer(hub, "/audits/verdicts").await;
        if verdicts["verdicts"].as_array().unwrap().len() == count {
            return verdicts;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{count} verdicts were never written");
}

/// What the hub answers: a status, and a body.
async fn reinstate(hub: &TestHub, identity: &str) -> (u16, Value) {
    let path = format!("/api/admin/audits/{identity}/reinstate");
    let answered = hub.post(&path, &json!({})).await;
    let status = answered.status().as_u16();
    let body = answered.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn operators_see_who_was_caught_and_let_it_answer_again() {
    let hub = hub().await;
    let mut auditor = join(&hub, auditor("auditor")).await;
    let mut cheat = join(&hub, volunteer("cheat", AINO)).await;
    catch(&hub, &mut auditor, &mut cheat).await;
    let verdicts = written_verdicts(&hub, 1).await;

    let audits = administer(&hub, "/audits").await;
    assert_eq!(
        audits["counts"],
        json!({"waiting": 0, "running": 0, "judged": 1, "missed": 0, "faults": 1})
    );
    let standing = &audits["standings"][0];
    assert_eq!(standing["node_name"], "cheat");
    assert_eq!(standing["suspended"], true);
    assert_eq!(standing["mean_margin"], 2.0);
    assert_eq!(standing["audited_share"], 1.0);
    let suspended = &audits["suspended"][0];
    assert_eq!(suspended["node_name"], "cheat");
    assert_eq!(suspended["node_ids"], json!([standing["node_id"]]));
    let identity = suspended["identity"].as_str().unwrap();
    assert!(
        !audits.to_string().contains(AINO),
        "a secret stays one: {audits}"
    );

    let verdict = &verdicts["verdicts"][0];
    assert_eq!(verdict["identity"], identity);
    assert_eq!(verdict["sampled"], "nucleus");
    assert_eq!(
        (&verdict["tokens"], &verdict["good"]),
        (&json!(300), &json!(false))
    );
    assert_eq!(verdicts["next_before"], Value::Null);

    assert_eq!(reinstate(&hub, "0123").await.0, 404);
    assert_eq!(reinstate(&hub, identity).await.0, 200);
    answered_by(&hub, &mut cheat, &json!({})).await;
    assert_eq!(administer(&hub, "/audits").await["suspended"], json!([]));
    assert_eq!(reinstate(&hub, identity).await.0, 404, "once is enough");
    let log = administer(&hub, "/audit-log").await;
    assert_eq!(log["entries"][0]["action"], "node.reinstated");
    assert_eq!(log["entries"][0]["subject"], "node cheat");
    assert_eq!(
        log["entries"][0]["details"],
        json!({ "identity": identity })
    );
}

#[tokio::test]
async fn a_restart_washes_off_nothing() {
    let hub = hub().await;
    let mut auditor = join(&hub, auditor("auditor")).await;
    let mut cheat = join(&hub, volunteer("cheat", AINO)).await;
    let mut honest = join(&hub, volunteer("honest", EINO)).await;
    catch(&hub, &mut auditor, &mut cheat).await;
    for _ in 0..3 {
        answered_by(&hub, &mut honest, &json!({})).await;
        let audit = next_audit(&mut auditor).await;
        find(&mut auditor, &audit, 0.0, 300).await;
    }
    written_verdicts(&hub, 4).await;
    drop((auditor, cheat, honest));

    let hub = TestHub::in_directory(hub.stop().await, &[("NODE_API_KEY", KEY)]).await;
    let _cheat = join(&hub, volunteer("another name", AINO)).await;
    let _honest = join(&hub, volunteer("honest", EINO)).await;
    // It is read while nodes join.
    let stats = hub
        .stats_when(|stats| stats.nodes.iter().any(|node| node.suspended))
        .await;
    let suspended = stats.nodes.iter().filter(|node| node.suspended);
    assert_eq!(
        suspended.map(|node| &node.name[..]).collect::<Vec<_>>(),
        ["another name"]
    );
    let audits = administer(&hub, "/audits").await;
    let of_honest = |standing: &&Value| standing["node_name"] == "honest";
    let standings = audits["standings"].as_array().unwrap();
    let honest = standings.iter().find(of_honest).unwrap();
    assert_eq!(honest["good_verdicts"], 3);
    assert_eq!(audits["suspended"][0]["node_name"], "cheat");

    let identity = audits["suspended"][0]["identity"].as_str().unwrap();
    assert_eq!(reinstate(&hub, identity).await.0, 200);
    let hub = TestHub::in_directory(hub.stop().await, &[("NODE_API_KEY", KEY)]).await;
    let mut pardoned = join(&hub, volunteer("cheat", AINO)).await;
    answered_by(&hub, &mut pardoned, &json!({})).await;
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
