//! What one answer's pieces tell a client: when they came, and whether all did.

use std::{
    sync::{
        Once,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use crate::{
    client::{AskError, Connection},
    node::MODEL,
    stamp::{Stamp, now},
};

#[derive(Debug, Default)]
pub struct Observed {
    /// Time to the first token, less what the node itself took.
    pub first_token: Duration,
    /// For each frame: from the node's sending it to the client's having it.
    pub frames: Vec<Duration>,
    /// For each frame but the first: by how much longer the client waited for it than the node did.
    pub late: Vec<Duration>,
    /// The longest that the client waited from one frame to the next.
    pub longest_gap: Duration,
    /// From the request to the answer's end.
    pub whole: Duration,
    /// Whether every frame came, in order, and `[DONE]` after them.
    pub complete: bool,
}

/// A request whose answer is observed. No two are alike: the hub would send a conversation that goes on to the
/// node that had it before.
fn request_body() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    json!({
        "model": MODEL, "stream": true,
        "messages": [{"role": "user", "content": format!("{number}: write fibonacci in Rust")}],
    })
    .to_string()
}

/// `tokens`: as many as the answer should have.
pub async fn ask(connection: &mut Connection, tokens: u64) -> Result<Observed, AskError> {
    let body = request_body();
    let mut observed = Observed::default();
    let mut last: Option<(Duration, Stamp)> = None;
    let (mut in_order, mut done, mut count) = (true, false, 0);
    // The last event without a delta: an error, where there is one.
    let mut others = String::new();
    let asked = now();
    let reply = connection
        .post("/v1/chat/completions", &body, |event, came| {
            if event == b"data: [DONE]" {
                done = true;
                return;
            }
            let Some(stamp) = Stamp::in_event(event) else {
                others = String::from_utf8_lossy(event).into_owned();
                return;
            };
            if let Some((before, previous)) = last {
                let gap = came.saturating_sub(before);
                let by_node = stamp.sent.saturating_sub(previous.sent);
                observed.late.push(gap.saturating_sub(by_node));
                observed.longest_gap = observed.longest_gap.max(gap);
            } else {
                let by_node = stamp.sent.saturating_sub(stamp.received);
                observed.first_token = came.saturating_sub(asked).saturating_sub(by_node);
            }
            in_order &= stamp.seq == count;
            count += 1;
            observed.frames.push(came.saturating_sub(stamp.sent));
            last = Some((came, stamp));
        })
        .await?;
    observed.whole = now().saturating_sub(asked);
    observed.complete = reply.status == 200 && done && in_order && count == tokens;
    if !observed.complete {
        // One says what all are like; a run that loses its nodes would say it a thousand times.
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            let rest = String::from_utf8_lossy(&reply.body);
            eprintln!(
                "an answer was broken: status {}, {count} of {tokens} deltas, in order: {in_order}, ended: {done}, \
                 task {:?}; last: {others:?} {rest}",
                reply.status, reply.task
            );
        });
    }
    Ok(observed)
}
