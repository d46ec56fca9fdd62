//! Ctrl+C, and the signals that mean the same.

use tokio::sync::watch;

/// Tells how often somebody has asked the program to stop. Cheap to clone; each clone notices each time once.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(watch::Receiver<u64>);

impl Interrupt {
    /// Listens from now on. Must be called within a runtime.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let (sender, receiver) = watch::channel(0);
        let mut signals = signals()?;
        tokio::spawn(async move {
            while signals.next().await {
                sender.send_modify(|times| *times += 1);
            }
            // Nobody can ask any more, and nobody must take that for a wish.
            std::future::pending::<()>().await;
        });
        Ok(Self(receiver))
    }

    /// Forgets what was asked so far.
    pub(crate) fn forget(&mut self) {
        self.0.mark_unchanged();
    }

    pub(crate) async fn asked(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
fn signals() -> std::io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Signals([
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    ]))
}

#[cfg(unix)]
impl Signals {
    async fn next(&mut self) -> bool {
        let [interrupt, terminate, hangup] = &mut self.0;
        let came = tokio::select! {
            came = interrupt.recv() => came,
            came = terminate.recv() => came,
            came = hangup.recv() => came,
        };
        came.is_some()
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
fn signals() -> std::io::Result<Signals> {
    Ok(Signals)
}

#[cfg(not(unix))]
impl Signals {
    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}
