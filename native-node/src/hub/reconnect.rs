//! Connects again and again, until the owner stops the node or the hub says that it is no use.

use std::time::{Duration, Instant};

use node_core::Backoff;

use super::{
    connection::{self, End},
    dial::{self, Loss},
};
use crate::{
    error::{LossReason, NodeError},
    node::Node,
    stop::{Stop, Stopping},
    surroundings::{ANYWHERE, Watch},
};

/// A hub that was stopped for an upgrade is back soon: its nodes come within this time.
const UPGRADE: Duration = Duration::from_millis(500);

/// However long a hub wants its nodes to take.
const LONGEST_UPGRADE: Duration = Duration::from_secs(60);

/// What a wait for the next attempt is not worth going on with after.
const LONGEST_NAP: Duration = Duration::from_secs(5);

/// Serves the hub until the owner stops the node, or the hub refuses it for good.
pub async fn run(node: &Node, stopping: Stopping) -> Result<(), NodeError> {
    let mut backoff = Backoff::default();
    let mut finish = stopping.clone();
    loop {
        let started = Instant::now();
        let (reason, back_within) = match once(node, &stopping).await {
            End::Stopped => return Ok(()),
            End::Lost(Loss::Final { code, reason }) => {
                return Err(NodeError::RefusedByHub { code, reason });
            }
            End::Lost(Loss::Passing(reason)) => (reason, None),
            End::Lost(Loss::HubStopped { back_within }) => (LossReason::HubStopped, back_within),
        };
        let (lived, random) = (started.elapsed(), fastrand::f64());
        let delay = delay(&reason, back_within, &mut backoff, lived, random);
        tracing::warn!("{}", node.language.connection_lost(&reason, delay));
        node.status.lost(&reason);
        let mut watch = Watch::new(&*node.surroundings, ANYWHERE.to_vec(), LONGEST_NAP);
        tokio::select! {
            () = finish.wanted(Stop::Finish) => return Ok(()),
            () = tokio::time::sleep(delay) => {}
            // Whatever was in the way may be gone.
            _ = watch.change() => backoff = Backoff::default(),
        }
    }
}

/// How long to wait before the next attempt. `random`: from 0 to 1.
fn delay(
    reason: &LossReason,
    back_within: Option<Duration>,
    backoff: &mut Backoff,
    lived: Duration,
    random: f64,
) -> Duration {
    match reason {
        // These happen to one node, not to all of a hub's at once.
        LossReason::Slept => {
            *backoff = Backoff::default();
            Duration::ZERO
        }
        LossReason::HubStopped => {
            *backoff = Backoff::default();
            back_within
                .map_or(UPGRADE, |within| within.min(LONGEST_UPGRADE))
                .mul_f64(random)
        }
        _ => backoff.next(lived, random),
    }
}

async fn once(node: &Node, stopping: &Stopping) -> End {
    let mut finish = stopping.clone();
    let socket = tokio::select! {
        () = finish.wanted(Stop::Finish) => return End::Stopped,
        socket = dial::connect(&node.hub_url, &node.tls) => socket,
    };
    match socket {
        Ok(socket) => connection::serve(node, socket, stopping).await,
        Err(loss) => End::Lost(loss),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_is_left_in_peace_unless_it_is_sure_to_want_the_node() {
        let mut backoff = Backoff::default();
        let mut after = |reason: LossReason, back_within, random| {
            delay(&reason, back_within, &mut backoff, Duration::ZERO, random)
        };
        let seconds = Duration::from_secs;
        assert_eq!(after(LossReason::Ended, None, 1.0), seconds(1));
        assert_eq!(after(LossReason::NoAnswer, None, 1.0), seconds(2));
        for (back_within, random, expected) in [
            (None, 0.0, Duration::ZERO),
            (None, 1.0, UPGRADE),
            (Some(seconds(4)), 0.5, seconds(2)),
            (Some(Duration::MAX), 1.0, LONGEST_UPGRADE),
        ] {
            assert_eq!(after(LossReason::HubStopped, back_within, random), expected);
        }
        // It is not back yet: patience grows from the beginning.
        assert_eq!(after(LossReason::NoAnswer, None, 1.0), seconds(1));
        assert_eq!(after(LossReason::Slept, None, 1.0), Duration::ZERO);
        assert_eq!(after(LossReason::NoAnswer, None, 1.0), seconds(1));
    }
}
