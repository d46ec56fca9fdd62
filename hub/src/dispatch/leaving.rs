//! What the dispatcher keeps of a handover to another process.

use std::time::Duration;

use tokio::sync::oneshot;

/// The fewest and the longest that nodes may take to come back.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);

/// A handshake costs a hub well below a millisecond: nodes come no faster than one in so long.
const FOR_EACH_NODE: Duration = Duration::from_millis(1);

pub(super) struct Leaving {
    /// Over which the nodes spread their return.
    pub(super) within: Duration,
    done: Option<oneshot::Sender<()>>,
}

impl Leaving {
    pub(super) fn new(nodes: usize, done: oneshot::Sender<()>) -> Self {
        let nodes = u32::try_from(nodes).unwrap_or(u32::MAX);
        Self {
            within: FOR_EACH_NODE.saturating_mul(nodes).clamp(SHORTEST, LONGEST),
            done: Some(done),
        }
    }

    /// That nothing is left here.
    pub(super) fn tell(&mut self) {
        if let Some(done) = self.done.take() {
            // Whoever waited may have run out of patience.
            let _ = done.send(());
        }
    }
}
