//! Systems where sockets can't be handed to another process.

use std::{future::pending, io, path::Path, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::oneshot};

use crate::dispatch::Dispatcher;

/// There is none here.
#[derive(Debug)]
pub enum Predecessor {}

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("{error}")]
    Nobody { error: io::Error },
}

pub async fn ask(_database: &Path) -> Result<Predecessor, AskError> {
    let error = io::ErrorKind::Unsupported.into();
    Err(AskError::Nobody { error })
}

/// Nobody can be asked here: a database that is in use can't be written over, which its system sees to.
pub fn is_running(_database: &Path) -> bool {
    false
}

impl Predecessor {
    pub(crate) fn take_listener(&mut self) -> io::Result<TcpListener> {
        match *self {}
    }
}

#[derive(Debug)]
pub(crate) struct Succession;

impl Succession {
    pub(crate) fn new(_: Option<Predecessor>, _: &Path, _: &TcpListener, _: &Dispatcher) -> Self {
        Self
    }

    pub(crate) fn layer(&self, router: Router) -> Router {
        router
    }

    pub(crate) async fn begin(&mut self, _: Router, _: Dispatcher, _: oneshot::Sender<()>) {}

    pub(crate) async fn replaced(&self) -> Predecessor {
        pending().await
    }

    pub(crate) fn close(&mut self) {}

    pub(crate) async fn leave(&self, successor: Predecessor, _: &Dispatcher, _: Duration) {
        match successor {}
    }

    pub(crate) async fn pass_on_the_rest(&self) {}
}
