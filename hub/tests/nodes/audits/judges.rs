//! Who judges: trusted engines with time, by turns, and another where one can't.

use protocol::{LlmError, LlmErrorCode, NodeKind};
use serde_json::json;

use super::*;
use crate::node::{cancel_within_a_second, join};

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

async fn can_not(judge: &mut FakeNode, audit: &AuditPrompt, code: LlmErrorCode) {
    judge
        .send(NodeMessage::LlmError(LlmError {
            task_id: audit.task_id.clone(),
            code,
            message: "it can't".to_owned(),
            retryable: true,
        }))
        .await;
}

#[tokio::test]
async fn an_auditor_that_leaves_is_followed_by_another() {
    let hub = hub().await;
    let mut first = join(&hub, auditor("first")).await;
    let mut volunteer = join(&hub, volunteer("tab", AINO)).await;
    answered_by(&hub, &mut volunteer, &json!({})).await;
    next_audit(&mut first).await;
    let mut second = join(&hub, auditor("second")).await;
    drop(first);
    next_audit(&mut second).await;
}

#[tokio::test]
async fn what_one_judge_can_not_another_does_and_the_first_rests() {
    let hub = hub().await;
    let mut first = join(&hub, auditor("first")).await;
    let mut second = join(&hub, auditor("second")).await;
    let mut volunteer = join(&hub, volunteer("tab", AINO)).await;
    answered_by(&hub, &mut volunteer, &json!({})).await;
    let audit = next_audit(&mut first).await;
    can_not(&mut first, &audit, LlmErrorCode::OutOfMemory).await;
    for _ in 0..2 {
        let audit = next_audit(&mut second).await;
        assert_eq!(audit.answer, "moi vaan");
        find(&mut second, &audit, 0.0, 2).await;
        answered_by(&hub, &mut volunteer, &json!({})).await;
    }
    next_audit(&mut second).await;
    hears_nothing(&hub, &mut first).await;
    let counts = &administer(&hub, "/audits").await["counts"];
    assert_eq!(
        (&counts["judged"], &counts["missed"]),
        (&json!(2), &json!(0))
    );
}

#[tokio::test]
async fn judges_take_turns() {
    let hub = hub().await;
    let mut judges = [
        join(&hub, auditor("first")).await,
        join(&hub, auditor("second")).await,
    ];
    let mut volunteer = join(&hub, volunteer("tab", AINO)).await;
    for turn in 0..4 {
        answered_by(&hub, &mut volunteer, &json!({})).await;
        let judge = &mut judges[turn % 2];
        let audit = next_audit(judge).await;
        find(judge, &audit, 0.0, 2).await;
    }
}

#[tokio::test]
async fn a_prompt_that_no_context_of_a_judge_holds_is_not_for_that_judge() {
    let hub = hub().await;
    let mut short = auditor("short");
    short.models[0].context_length = 64;
    let mut short = join(&hub, short).await;
    let mut long = join(&hub, auditor("long")).await;
    let mut volunteer = join(&hub, volunteer("tab", AINO)).await;
    let words = "sana ".repeat(100);
    let many = json!({"messages": [{"role": "user", "content": words}]});
    answered_by(&hub, &mut volunteer, &many).await;
    let audit = next_audit(&mut long).await;
    find(&mut long, &audit, 0.0, 2).await;

    // A guess may be wrong, which speaks against nobody.
    for _ in 0..2 {
        answered_by(&hub, &mut volunteer, &json!({})).await;
        let audit = next_audit(&mut short).await;
        can_not(&mut short, &audit, LlmErrorCode::ContextLengthExceeded).await;
        let audit = next_audit(&mut long).await;
        find(&mut long, &audit, 0.0, 2).await;
    }
}

#[tokio::test]
async fn a_judge_hears_that_nobody_wants_to_know_any_more() {
    let hub = hub().await;
    let mut first = join(&hub, auditor("first")).await;
    let mut second = join(&hub, auditor("second")).await;
    let mut cheat = join(&hub, volunteer("cheat", AINO)).await;
    answered_by(&hub, &mut cheat, &json!({})).await;
    let audit = next_audit(&mut first).await;
    answered_by(&hub, &mut cheat, &json!({})).await;
    let needless = next_audit(&mut second).await;
    find(&mut first, &audit, 2.0, 300).await;
    assert_eq!(cancel_within_a_second(&mut second).await, needless.task_id);

    // Its result may have been on the way; it is still a judge.
    find(&mut second, &needless, 2.0, 300).await;
    drop(first);
    let mut other = join(&hub, volunteer("other", EINO)).await;
    answered_by(&hub, &mut other, &json!({})).await;
    let audit = next_audit(&mut second).await;
    find(&mut second, &audit, 0.0, 2).await;
    hub.stats().await;
    let counts = &administer(&hub, "/audits").await["counts"];
    assert_eq!(
        (&counts["judged"], &counts["running"]),
        (&json!(2), &json!(0))
    );
}

#[tokio::test]
async fn without_a_trusted_engine_nothing_is_audited() {
    let hub = hub().await;
    let mut proxy = auditor("proxy");
    proxy.models[0].runtime = "ollama 0.13.5".to_owned();
    let mut proxy = join(&hub, proxy).await;
    let mut own_word = auditor("tab that judges");
    (own_word.kind, own_word.key) = (NodeKind::Browser, None);
    // It has time, and takes nobody's prompts.
    own_word.only_own = true;
    let mut own_word = join(&hub, own_word).await;
    let mut volunteer = join(&hub, volunteer("tab", AINO)).await;
    answered_by(&hub, &mut volunteer, &json!({})).await;
    hears_nothing(&hub, &mut proxy).await;
    hears_nothing(&hub, &mut own_word).await;
}
