//! Connects again and again, until the owner stops the node or the hub says that it is no use.

use std::{future::Future, pin::pin, time::Instant};

use node_core::Backoff;

use super::{
    connection::{self, End, Shutdown},
    dial::{self, Loss},
};
use crate::{error::NodeError, node::Node};

/// Serves the hub until `shutdown` resolves, or the hub refuses this node for good.
pub async fn run(node: &Node, shutdown: impl Future<Output = ()> + Send) -> Result<(), NodeError> {
    let mut shutdown = pin!(shutdown);
    let mut backoff = Backoff::default();
    loop {
        let started = Instant::now();
        match once(node, shutdown.as_mut()).await {
            End::Stopped => return Ok(()),
            End::Lost(Loss::Final { code, reason }) => {
                return Err(NodeError::RefusedByHub { code, reason });
            }
            End::Lost(Loss::Passing(reason)) => {
                let delay = backoff.next(started.elapsed(), fastrand::f64());
                tracing::warn!("{}", node.language.connection_lost(&reason, delay));
                node.status.lost(&reason);
                tokio::select! {
                    () = &mut shutdown => return Ok(()),
                    () = tokio::time::sleep(delay) => {}
                }
            }
        }
    }
}

async fn once(node: &Node, mut shutdown: Shutdown<'_>) -> End {
    let socket = tokio::select! {
        () = &mut shutdown => return End::Stopped,
        socket = dial::connect(&node.hub_url, &node.tls) => socket,
    };
    match socket {
        Ok(socket) => connection::serve(node, socket, shutdown).await,
        Err(loss) => End::Lost(loss),
    }
}
