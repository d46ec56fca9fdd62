//! Who is caught, and what follows: for its prompts, its name, its operator, and after a restart.

use protocol::HubMessage;
use serde_json::json;

use super::*;
use crate::node::{join, wait_until_gone};

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
    assert_eq!(standing["mean_margin"], 1.0);
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

async fn suspended(hub: &TestHub) -> Vec<String> {
    let stats = hub.stats().await;
    let suspended = stats.nodes.into_iter().filter(|node| node.suspended);
    suspended.map(|node| node.name).collect()
}

/// One answer of a node with a name that nobody knows; its margins are too few for a verdict.
async fn too_few_to_judge(hub: &TestHub, judge: &mut FakeNode, name: &str) {
    let mut node = join(hub, volunteer(name, &format!("a-secret-of-{name}"))).await;
    answered_by(hub, &mut node, &json!({})).await;
    let audit = next_audit(judge).await;
    find(judge, &audit, 2.0, 250).await;
    drop(node);
    wait_until_gone(hub, name).await;
}

#[tokio::test]
async fn a_new_secret_before_each_verdict_ends_with_all_newcomers_behind_that_address() {
    let hub = hub().await;
    let mut judge = join(&hub, auditor("judge")).await;
    let mut known = join(&hub, volunteer("known", EINO)).await;
    answered_by(&hub, &mut known, &json!({})).await;
    let audit = next_audit(&mut judge).await;
    find(&mut judge, &audit, 0.0, 300).await;
    hub.stats().await;
    drop(known);
    wait_until_gone(&hub, "known").await;

    too_few_to_judge(&hub, &mut judge, "first").await;
    let newcomer = join(&hub, volunteer("newcomer", AINO)).await;
    assert!(suspended(&hub).await.is_empty(), "one alone proves nothing");
    drop(newcomer);
    wait_until_gone(&hub, "newcomer").await;
    too_few_to_judge(&hub, &mut judge, "second").await;
    let _newcomer = join(&hub, volunteer("newcomer", AINO)).await;
    let mut known = join(&hub, volunteer("known", EINO)).await;
    assert_eq!(suspended(&hub).await, ["newcomer"]);
    answered_by(&hub, &mut known, &json!({})).await;

    let audits = administer(&hub, "/audits").await;
    let them = audits["suspended"][0]["identity"].as_str().unwrap();
    assert_eq!(audits["suspended"].as_array().unwrap().len(), 1);
    assert_eq!(
        audits["suspended"][0]["node_ids"].as_array().unwrap().len(),
        1
    );
    written_verdicts(&hub, 2).await;
    assert_eq!(reinstate(&hub, them).await.0, 200);
    assert!(suspended(&hub).await.is_empty());
}
