//! A node's connection from the first byte to the last: hello, session, farewell.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::{StreamExt, stream::SplitStream};
use tokio::time::timeout;

use super::hello::admit;
use super::outgoing::Outgoing;
use super::session::Session;
use super::violation::{Closing, Violation};
use super::{NodeGate, NodeSettings};
use crate::dispatch::Introduction;

/// For a node to read why it is dropped; its own frames are thrown away meanwhile.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves a node's connection until it ends.
pub(super) async fn serve(socket: WebSocket, gate: NodeGate) {
    let (sink, mut incoming) = socket.split();
    let outgoing = Outgoing::start(sink, gate.settings.outgoing_frames);
    let closing = match hello(&mut incoming, &gate.settings).await {
        Ok(introduction) => match gate.dispatcher.join(introduction.clone()).await {
            Some(membership) => {
                let session = Session::new(&gate, &introduction, membership, &outgoing);
                session.run(&mut incoming).await
            }
            None => Closing::HubStopping,
        },
        Err(closing) => {
            tracing::info!("a node was not let in: {closing}");
            closing
        }
    };
    outgoing.close(closing.close_frame()).await;
    // Closing a socket with unread frames in it would throw away the close frame on its way.
    let rest = async { while incoming.next().await.is_some_and(|frame| frame.is_ok()) {} };
    let _ = timeout(FAREWELL, rest).await;
}

async fn hello(
    incoming: &mut SplitStream<WebSocket>,
    settings: &NodeSettings,
) -> Result<Introduction, Closing> {
    let first_text = async {
        loop {
            match incoming.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => return Err(Violation::Binary.into()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Closing::ConnectionLost),
            }
        }
    };
    let text = timeout(settings.hello_deadline, first_text).await;
    admit(&text.map_err(|_elapsed| Closing::HelloExpected)??, settings)
}
