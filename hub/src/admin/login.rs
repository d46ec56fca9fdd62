//! The one task that knows who is logged in and who tried to be, and the handle to it.

use std::net::IpAddr;
use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    password::Password,
    sessions::{OpenSession, Sessions},
    throttle::Throttle,
};
use crate::{
    keys::{NoRandomness, random_text},
    net::network_of,
};

/// Requests that may wait; whoever finds no room waits.
const REQUESTS: usize = 64;

/// Cheap to clone; the task ends with the last one.
#[derive(Clone, Debug)]
pub(super) struct Login {
    requests: mpsc::Sender<Request>,
    password: Password,
}

enum Request {
    Attempt(IpAddr, oneshot::Sender<Result<(), Duration>>),
    Begin {
        network: IpAddr,
        token: String,
        begun: oneshot::Sender<()>,
    },
    Find(String, oneshot::Sender<Option<OpenSession>>),
    End(String),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    #[error("too many passwords were tried")]
    TooMany { retry_after: Duration },
    #[error("the password is wrong")]
    Wrong,
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error("the hub is stopping")]
    Stopping,
}

impl Login {
    /// Starts the task on the current runtime.
    pub(super) fn start(password: Password) -> Self {
        let (requests, inbox) = mpsc::channel(REQUESTS);
        tokio::spawn(run(inbox));
        Self { requests, password }
    }

    /// A new session's token, for whoever knows the password.
    pub(super) async fn log_in(
        &self,
        password: String,
        address: IpAddr,
    ) -> Result<String, LoginError> {
        let network = network_of(address);
        let attempt = self.ask(|reply| Request::Attempt(network, reply)).await?;
        attempt.map_err(|retry_after| LoginError::TooMany { retry_after })?;
        if !self.password.is(password).await {
            return Err(LoginError::Wrong);
        }
        let token = random_text()?;
        let begin = |begun| Request::Begin {
            network,
            token: token.clone(),
            begun,
        };
        self.ask(begin).await?;
        Ok(token)
    }

    /// The session with this token; None where there is none.
    pub(super) async fn find(&self, token: &str) -> Option<OpenSession> {
        let token = token.to_owned();
        let found = self.ask(|reply| Request::Find(token, reply)).await;
        found.ok().flatten()
    }

    pub(super) async fn log_out(&self, token: String) {
        // A task that is gone took its sessions with it.
        let _ = self.requests.send(Request::End(token)).await;
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, LoginError> {
        let (reply, replied) = oneshot::channel();
        let sent = self.requests.send(request(reply)).await;
        sent.map_err(|_| LoginError::Stopping)?;
        replied.await.map_err(|_| LoginError::Stopping)
    }
}

async fn run(mut inbox: mpsc::Receiver<Request>) {
    let (mut throttle, mut sessions) = (Throttle::default(), Sessions::default());
    let started = Instant::now();
    while let Some(request) = inbox.recv().await {
        let now = started.elapsed();
        match request {
            // Here and below: whoever asked may have left.
            Request::Attempt(network, reply) => {
                let _ = reply.send(throttle.attempt(network, now));
            }
            Request::Begin {
                network,
                token,
                begun,
            } => {
                throttle.succeeded(network);
                sessions.begin(&token, now);
                let _ = begun.send(());
            }
            Request::Find(token, reply) => {
                let _ = reply.send(sessions.find(&token, now));
            }
            Request::End(token) => sessions.end(&token),
        }
    }
}
