use protocol::{AuditResult, Sampling};
use tokio::sync::oneshot;

use super::*;
use crate::dispatch::audits::Evidence;
use crate::dispatch::audits::waiting::Purpose;

const JUDGE: NodeId = NodeId(1);

fn waiting(patience: Duration) -> (Waiting, oneshot::Receiver<Option<AuditResult>>) {
    let request = serde_json::json!({"model": "m", "prompt": "hei"});
    let mut request: protocol::PromptRequest = serde_json::from_value(request).unwrap();
    request.sampling = Sampling::default();
    let evidence = Evidence {
        request,
        owner: None,
        offered: None,
        answer: "moi".to_owned(),
        token_ids: Vec::new(),
        others_tokens: 0,
        finish_reason: None,
    };
    let (reply, replied) = oneshot::channel();
    let purpose = Purpose::Contest(reply);
    let digest = "sha256:ab".to_owned();
    (Waiting::new(evidence, digest, purpose, patience), replied)
}

fn begin(work: &mut Work) -> TaskId {
    let begun = work.next(|_, busy| (!busy(JUDGE)).then(|| (JUDGE, "m".to_owned())));
    begun.expect("the judge has time").1.task_id
}

#[test]
fn an_answer_is_judged_by_another_until_three_could_not() {
    let mut work = Work::new("run");
    let (waiting, _replied) = waiting(Duration::from_secs(60));
    work.wait(waiting);
    for judge in 1..=3 {
        let task_id = begin(&mut work);
        let unjudged = work.done(JUDGE, &task_id).unwrap();
        assert_eq!(work.again(unjudged), judge < 3, "after {judge}");
    }
    assert_eq!(work.counts(), (0, 0));
}

#[test]
fn what_has_waited_for_half_of_its_time_is_overdue() {
    let (waiting, _replied) = waiting(Duration::from_secs(60));
    let begun = waiting.until - waiting.patience;
    assert!(!waiting.is_overdue(begun + Duration::from_secs(29)));
    assert!(waiting.is_overdue(begun + Duration::from_secs(30)));
}

#[test]
fn a_judge_that_takes_too_long_is_told_to_stop_and_loses_the_audit() {
    let mut work = Work::new("run");
    let (waiting, _replied) = waiting(JUDGING);
    work.wait(waiting);
    let task_id = begin(&mut work);
    let due = work.next_deadline().unwrap();
    assert!(
        work.expire(due - Duration::from_secs(1))
            .unfinished
            .is_empty()
    );
    let overdue = work.expire(due);
    assert_eq!(overdue.unfinished[0].0, JUDGE);
    assert_eq!(work.take_cancelled(), [(JUDGE, task_id.clone())]);
    assert!(work.take_cancelled().is_empty(), "once is enough");
    assert!(work.done(JUDGE, &task_id).is_none(), "it is too late");
}

#[test]
fn what_nobody_finds_the_time_for_comes_back_when_its_patience_ends() {
    let mut work = Work::new("run");
    let (waiting, _replied) = waiting(Duration::from_secs(5));
    work.wait(waiting);
    let due = work.next_deadline().unwrap();
    assert_eq!(work.expire(due).unbegun.len(), 1);
    assert_eq!((work.counts(), work.next_deadline()), ((0, 0), None));
}

#[test]
fn what_nobody_waits_for_or_could_judge_is_dropped_and_cancelled() {
    let mut work = Work::new("run");
    let (running, left) = waiting(JUDGING);
    work.wait(running);
    let task_id = begin(&mut work);
    let (hopeless, mut told) = waiting(JUDGING);
    work.wait(hopeless);
    work.drop_abandoned(|_| true);
    assert_eq!(work.counts(), (1, 1));
    drop(left);
    work.drop_abandoned(|_| false);
    assert_eq!(work.counts(), (0, 0));
    assert_eq!(work.take_cancelled(), [(JUDGE, task_id)]);
    assert!(
        told.try_recv()
            .is_err_and(|error| error == oneshot::error::TryRecvError::Closed)
    );
}
