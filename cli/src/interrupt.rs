//! Ctrl+C, and the signals that mean the same.

use tokio::sync::watch;

use crate::error::Failure;

/// Tells that somebody has asked the program to stop. Cheap to clone; each clone notices each time once.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(watch::Receiver<Asked>);

#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    is_end: bool,
}

impl Interrupt {
    /// Listens from now on. Must be called within a runtime.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let (sender, receiver) = watch::channel(Asked::default());
        let mut signals = signals()?;
        tokio::spawn(async move {
            while let Some(is_end) = signals.next().await {
                sender.send_modify(|asked| asked.is_end |= is_end);
            }
            // Nobody can ask any more, and nobody must take that for a wish.
            std::future::pending::<()>().await;
        });
        Ok(Self(receiver))
    }

    pub(crate) async fn asked(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether the program is to end, and not only what it is doing.
    pub(crate) fn is_end(&self) -> bool {
        self.0.borrow().is_end
    }

    /// Drops the work when somebody asks.
    pub(crate) async fn unless_asked<Value>(
        &mut self,
        work: impl Future<Output = Result<Value, Failure>>,
    ) -> Result<Value, Failure> {
        tokio::select! {
            ended = work => ended,
            () = self.asked() => Err(Failure::Interrupted),
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
    /// Whether the next one is the program's end; None where none can come any more.
    async fn next(&mut self) -> Option<bool> {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            came = interrupt.recv() => came.map(|()| false),
            came = terminate.recv() => came.map(|()| true),
            came = hangup.recv() => came.map(|()| true),
        }
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
    async fn next(&mut self) -> Option<bool> {
        tokio::signal::ctrl_c().await.ok().map(|()| false)
    }
}
