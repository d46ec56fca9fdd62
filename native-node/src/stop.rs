//! How much the node's owner wants it to end: first to finish what it has, then at once.

use std::time::Duration;

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

/// What the node has begun may take so long after it was told to stop. Service managers wait a
/// little longer before they kill: see `service`.
pub const FINISHING: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    #[default]
    No,
    /// Take no more, and end when nothing is left.
    Finish,
    Now,
}

/// What the owner wants, for everything that must obey.
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<Stop>);

impl Stopping {
    /// Whoever drops the sender wants the node to end at once.
    pub fn new() -> (watch::Sender<Stop>, Self) {
        let (sender, receiver) = watch::channel(Stop::No);
        (sender, Self(receiver))
    }

    /// Resolves when the owner wants this much, or more.
    pub async fn wanted(&mut self, level: Stop) {
        // An error: the sender was dropped.
        let _ = self.0.wait_for(|wanted| *wanted >= level).await;
    }
}

/// Passes the owner's signals on: the first one finishes, the second ends, and so does `limit`.
pub async fn obey(mut signals: mpsc::Receiver<()>, limit: Duration, stop: watch::Sender<Stop>) {
    if signals.recv().await.is_none() {
        // Nobody can ask any more; that is not to say that anybody did.
        return stop.closed().await;
    }
    stop.send_replace(Stop::Finish);
    // A second signal and a limit that passes mean the same.
    let _ = timeout(limit, signals.recv()).await;
    stop.send_replace(Stop::Now);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a limit that no test waits for in truth: its clock jumps when nothing else happens.
    fn obeyed() -> (mpsc::Sender<()>, Stopping) {
        let (signals, receiver) = mpsc::channel(2);
        let (stop, stopping) = Stopping::new();
        tokio::spawn(obey(receiver, FINISHING, stop));
        (signals, stopping)
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_signal_finishes_and_the_second_ends() {
        let (signals, mut stopping) = obeyed();
        assert!(
            timeout(FINISHING * 2, stopping.wanted(Stop::Finish))
                .await
                .is_err()
        );
        signals.send(()).await.unwrap();
        stopping.wanted(Stop::Finish).await;
        let soon = FINISHING / 2;
        assert!(timeout(soon, stopping.wanted(Stop::Now)).await.is_err());
        signals.send(()).await.unwrap();
        timeout(soon / 2, stopping.wanted(Stop::Now)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_finish_in_time_is_ended() {
        let (signals, mut stopping) = obeyed();
        signals.send(()).await.unwrap();
        timeout(FINISHING * 2, stopping.wanted(Stop::Now))
            .await
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_nobody_can_signal_runs_on() {
        let (signals, mut stopping) = obeyed();
        drop(signals);
        assert!(
            timeout(FINISHING * 2, stopping.wanted(Stop::Finish))
                .await
                .is_err()
        );
    }
}
