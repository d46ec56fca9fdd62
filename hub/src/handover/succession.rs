//! Whose place this process has, and who gets it next.

use std::{
    future::pending,
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    time::Duration,
};

use axum::{Router, middleware};
use tokio::{
    net::{TcpListener, UnixStream},
    sync::oneshot,
    time::sleep,
};

use super::{
    Predecessor,
    control::{Control, Successor},
    forward::{self, Forwarding, pass_on},
};
use crate::dispatch::Dispatcher;

/// For the last of the predecessor's nodes to come, after it is gone.
const LAST_NODES: Duration = Duration::from_secs(15);

/// For what clients were asking at that moment to reach the dispatcher, before its nodes go.
const SETTLING: Duration = Duration::from_millis(500);

/// A connection that nobody has used for so long can be closed.
const LINGERING: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Succession {
    predecessor: Option<Predecessor>,
    database: PathBuf,
    /// A second handle of the listening socket, to be given away.
    listener: io::Result<OwnedFd>,
    control: Option<Control>,
    forwarding: Forwarding,
}

impl Succession {
    pub(crate) fn new(
        predecessor: Option<Predecessor>,
        database: &Path,
        listener: &TcpListener,
        dispatcher: &Dispatcher,
    ) -> Self {
        if predecessor.is_some() {
            dispatcher.expect_nodes(true);
        }
        Self {
            predecessor,
            database: database.to_owned(),
            listener: listener.as_fd().try_clone_to_owned(),
            control: None,
            forwarding: Forwarding::default(),
        }
    }

    /// Requests that come after this process was replaced go to whoever replaced it.
    pub(crate) fn layer(&self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(
            self.forwarding.clone(),
            pass_on,
        ))
    }

    /// Takes the place over where there is somebody in it, and can be replaced from now on. This process accepts
    /// connections by now; `router`: for what is passed on; `gone` is fired once the predecessor is.
    pub(crate) async fn begin(
        &mut self,
        router: Router,
        dispatcher: Dispatcher,
        gone: oneshot::Sender<()>,
    ) {
        let is_successor = self.predecessor.is_some();
        if let Some(predecessor) = self.predecessor.take() {
            let relieved = predecessor.relieve().await;
            tokio::spawn(take_in(relieved, router, dispatcher, gone));
        }
        let control = std::mem::replace(&mut self.listener, Err(io::ErrorKind::NotFound.into()))
            .and_then(|listener| Control::new(&self.database, listener.into(), is_successor));
        match control {
            Ok(control) => self.control = Some(control),
            // This process serves all the same.
            Err(error) => tracing::warn!(
                "{}: no other process can take this hub's place ({error}); to upgrade, stop it first",
                self.database.display()
            ),
        }
    }

    /// Waits until another process serves in this one's place.
    pub(crate) async fn replaced(&self) -> Successor {
        match &self.control {
            Some(control) => control.replaced().await,
            None => pending().await,
        }
    }

    /// This process ends, and no other has its place.
    pub(crate) fn close(&mut self) {
        if let Some(control) = self.control.take() {
            control.close();
        }
    }

    /// Passes on what comes, answers what has come, and lets the nodes go.
    pub(crate) async fn leave(
        &self,
        successor: Successor,
        dispatcher: &Dispatcher,
        patience: Duration,
    ) {
        tracing::info!("another process serves from now on; answers under way are finished here");
        if let Err(error) = self.forwarding.begin(successor).await {
            tracing::error!("the process that took over can't be spoken to: {error}");
        }
        sleep(SETTLING).await;
        dispatcher.leave(patience).await;
        sleep(LINGERING).await;
    }

    /// Waits for the answers that were passed on: the client's connection is still this process's.
    pub(crate) async fn pass_on_the_rest(&self) {
        self.forwarding.idle().await;
    }
}

/// Answers what the predecessor passes on until it is gone, and some time later expects no more of its nodes.
async fn take_in(
    relieved: io::Result<UnixStream>,
    router: Router,
    dispatcher: Dispatcher,
    gone: oneshot::Sender<()>,
) {
    let served = match relieved {
        Ok(stream) => forward::serve(stream, router).await,
        Err(error) => Err(error),
    };
    match served {
        Ok(()) => tracing::info!("the hub that was here before has answered all it had"),
        Err(error) => tracing::warn!("the hub that was here before is gone: {error}"),
    }
    // Whoever waits for it may have ended with the server.
    let _ = gone.send(());
    sleep(LAST_NODES).await;
    dispatcher.expect_nodes(false);
}
