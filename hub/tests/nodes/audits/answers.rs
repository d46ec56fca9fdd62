//! Which answers are judged, and what their judge is told of them.

use protocol::{FinishReason, Hello, LlmErrorCode, LlmToken, NodeMessage, NodeStatus, Usage};
use serde_json::json;

use super::*;
use crate::node::join;

/// Enough to be worth an audit, though nothing came after it.
const BEGUN: &str = "Once upon a time there was a sauna by the lake, and ";

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
async fn draws_are_judged_where_the_judge_draws_alike_and_the_hub_says_by_which_seed() {
    let hub = hub().await;
    let introduced = auditor("auditor");
    let engine = introduced.models[0].runtime.clone();
    let mut judge = join(&hub, introduced).await;
    let open = json!({"temperature": 1.5, "top_p": 1});
    for (runtime, is_alike) in [(engine, true), ("kipina-engine 0.0.9".to_owned(), false)] {
        let mut hello = with_digest(&runtime, AINO);
        hello.models[0].runtime = runtime;
        let mut tab = join(&hub, hello).await;
        let client = ask_browsers(&hub, &open);
        let prompt = next_prompt(&mut tab).await;
        let seed = prompt.request.sampling.seed;
        assert!(seed.is_some(), "the hub gives one");
        says(&mut tab, &prompt.task_id, "moi vaan", &[7, 8]).await;
        tab.done(&prompt.task_id, FinishReason::Stop, Usage::default())
            .await;
        assert_eq!(whole_answer(client).await, "moi vaan");
        if is_alike {
            let audit = next_audit(&mut judge).await;
            assert!(audit.seeded);
            assert_eq!(audit.request.sampling.seed, seed);
            find(&mut judge, &audit, 0.0, 2).await;
        } else {
            hears_nothing(&hub, &mut judge).await;
        }
        drop(tab);
    }
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

/// Every token of it is known.
fn with_digest(name: &str, owner: &str) -> Hello {
    let mut hello = volunteer(name, owner);
    hello.models[0].digest = Some(DIGEST.to_owned());
    hello
}

async fn says(node: &mut FakeNode, task_id: &TaskId, text: &str, token_ids: &[u32]) {
    node.send(NodeMessage::LlmToken(LlmToken {
        task_id: task_id.clone(),
        seq: 0,
        text: text.to_owned(),
        token_ids: token_ids.to_vec(),
    }))
    .await;
}

#[tokio::test]
async fn a_limit_as_the_end_is_told_with_the_context_of_whoever_answered() {
    let hub = hub().await;
    let mut judge = join(&hub, auditor("judge")).await;
    let mut hello = volunteer("tab", AINO);
    hello.models[0].context_length = 2048;
    let mut tab = join(&hub, hello).await;
    let client = ask_browsers(&hub, &json!({"max_tokens": 100}));
    let prompt = next_prompt(&mut tab).await;
    tab.token(&prompt.task_id, 0, "a").await;
    tab.done(&prompt.task_id, FinishReason::Length, Usage::default())
        .await;
    assert_eq!(whole_answer(client).await, "a");
    let audit = next_audit(&mut judge).await;
    assert_eq!(audit.finish_reason, Some(FinishReason::Length));
    assert_eq!(audit.request.sampling.max_tokens, Some(100));
    assert_eq!(audit.context_length, Some(2048));
}

#[tokio::test]
async fn breaking_an_answer_off_is_no_way_out() {
    let hub = hub().await;
    let mut judge = join(&hub, auditor("judge")).await;
    let mut cheat = join(&hub, volunteer("cheat", AINO)).await;

    let _client = ask_browsers(&hub, &json!({}));
    let prompt = next_prompt(&mut cheat).await;
    cheat.token(&prompt.task_id, 0, BEGUN).await;
    let failed = LlmErrorCode::BackendFailed;
    cheat.error(&prompt.task_id, failed, "it can't go on").await;
    let audit = next_audit(&mut judge).await;
    assert_eq!((&audit.answer[..], audit.finish_reason), (BEGUN, None));
    find(&mut judge, &audit, 2.0, 100).await;

    let client = ask_browsers(&hub, &json!({}));
    let prompt = next_prompt(&mut cheat).await;
    cheat.token(&prompt.task_id, 0, BEGUN).await;
    let mut client = client.stream().await;
    assert_eq!(client.text().await, BEGUN);
    drop(client);
    assert_eq!(cheat.cancelled().await, prompt.task_id);
    let audit = next_audit(&mut judge).await;
    assert_eq!((&audit.answer[..], audit.finish_reason), (BEGUN, None));
    find(&mut judge, &audit, 2.0, 100).await;

    let _client = ask_browsers(&hub, &json!({}));
    let prompt = next_prompt(&mut cheat).await;
    cheat.token(&prompt.task_id, 0, BEGUN).await;
    drop(cheat);
    let audit = next_audit(&mut judge).await;
    assert_eq!((&audit.answer[..], audit.finish_reason), (BEGUN, None));
    find(&mut judge, &audit, 2.0, 100).await;
    let _again = join(&hub, volunteer("again", AINO)).await;
    hub.stats_when(|stats| stats.nodes.iter().any(|node| node.suspended))
        .await;
}

#[tokio::test]
async fn a_few_words_before_a_failure_are_not_worth_a_judges_time() {
    let hub = hub().await;
    let mut judge = join(&hub, auditor("judge")).await;
    let mut tab = join(&hub, volunteer("tab", AINO)).await;
    let _client = ask_browsers(&hub, &json!({}));
    let prompt = next_prompt(&mut tab).await;
    tab.token(&prompt.task_id, 0, "Once ").await;
    tab.error(&prompt.task_id, LlmErrorCode::OutOfMemory, "no memory")
        .await;
    hears_nothing(&hub, &mut judge).await;
}

#[tokio::test]
async fn of_an_answer_that_two_nodes_gave_each_answers_for_its_own_part() {
    let hub = hub().await;
    let mut judge = join(&hub, auditor("judge")).await;
    let mut first = join(&hub, with_digest("first", AINO)).await;
    let client = ask_browsers(&hub, &json!({}));
    let prompt = next_prompt(&mut first).await;
    says(&mut first, &prompt.task_id, BEGUN, &[1, 2, 3]).await;
    let mut second = join(&hub, with_digest("second", EINO)).await;
    drop(first);
    let prompt = next_prompt(&mut second).await;
    assert_eq!(prompt.continue_token_ids, [1, 2, 3]);
    let audit = next_audit(&mut judge).await;
    assert_eq!(audit.answer, BEGUN);
    find(&mut judge, &audit, 0.0, 3).await;

    says(&mut second, &prompt.task_id, "all were glad.", &[4, 5]).await;
    second
        .done(&prompt.task_id, FinishReason::Stop, Usage::default())
        .await;
    let whole = whole_answer(client).await;
    let audit = next_audit(&mut judge).await;
    assert_eq!(audit.answer, whole);
    assert_eq!(audit.answer_token_ids, [1, 2, 3, 4, 5]);
    // What the first one said is plainly not the model's, and nothing that the second one did.
    let margins = [vec![4.0; 3], vec![0.0; 300]].concat();
    judge
        .send(NodeMessage::AuditResult(AuditResult {
            task_id: audit.task_id,
            logit_margins: margins.clone(),
            sampling_margins: margins,
        }))
        .await;
    hub.stats().await;
    let standing = standing(&hub, "second").await;
    assert_eq!(standing["good_verdicts"], 1);
    assert_eq!(standing["mean_margin"], 0.0);
}
