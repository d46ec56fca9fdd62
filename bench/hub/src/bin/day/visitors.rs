//! Nodes that come, compute for a while, and leave without a word.

use std::{net::SocketAddr, time::Duration};

use fastrand::Rng;
use hub_bench::node::FakeNode;
use protocol::NodeKind;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{PACE, day::Day};

/// The same people's browsers come again and again.
const NAMES: u32 = 500;

/// A visit takes up to this part of the day.
const LONGEST_STAY: f64 = 1.0 / 48.0;

/// Some of them give every so manyth prompt back.
const FAILS_EVERY: u64 = 10;

pub(crate) async fn come_and_go(hub: SocketAddr, day: Day, mut rng: Rng, start: Instant) {
    let usual = day.length.div_f64(f64::from(day.visits.max(1)));
    let mut visits = JoinSet::new();
    while !day.is_over(start.elapsed()) {
        sleep(usual.div_f64(day.busy(start.elapsed()))).await;
        let mut node = FakeNode::new(rng.u32(0..NAMES), 1, PACE);
        node.kind = NodeKind::Browser;
        node.fails_every = rng.bool().then_some(FAILS_EVERY);
        let stay = day.length.mul_f64(LONGEST_STAY * rng.f64());
        visits.spawn(visit(hub, node, stay));
        while visits.try_join_next().is_some() {}
    }
    visits.join_all().await;
}

async fn visit(hub: SocketAddr, node: FakeNode, stay: Duration) {
    match node.join(hub).await {
        Ok(work) => {
            sleep(stay).await;
            // Its socket goes with it, whatever it had begun.
            work.abort();
        }
        Err(error) => eprintln!("a node could not join: {error:#}"),
    }
}
