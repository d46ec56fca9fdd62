//! A node's connection from the first byte to the last: hello, session, farewell.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::{StreamExt, stream::SplitStream};
use protocol::NodeKind;
use tokio::time::timeout;

use super::hello::admit;
use super::outgoing::Outgoing;
use super::session::Session;
use super::violation::{Closing, Violation};
use super::{NodeGate, NodeSettings};
use crate::dispatch::Introduction;
use crate::net::ConnectionPermit;

/// For a node to read why it is dropped; its own frames are thrown away meanwhile.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves a node's connection until it ends.
pub(super) async fn serve(socket: WebSocket, gate: NodeGate, address: IpAddr) {
    let (sink, mut incoming) = socket.split();
    let outgoing = Outgoing::start(sink, gate.settings.outgoing_frames);
    let closing = match let_in(&mut incoming, &gate, address).await {
        Ok((introduction, _place)) => match gate.dispatcher.join(introduction.clone()).await {
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

/// Who the node is, and its place among the browsers of its address where it needs one.
async fn let_in(
    incoming: &mut SplitStream<WebSocket>,
    gate: &NodeGate,
    address: IpAddr,
) -> Result<(Introduction, Option<ConnectionPermit>), Closing> {
    let introduction = hello(incoming, &gate.settings).await?;
    // A native node without a key is the operator's own choice: he set none.
    if introduction.kind != NodeKind::Browser || introduction.trusted {
        return Ok((introduction, None));
    }
    match gate.browsers.acquire(address) {
        Some(place) => Ok((introduction, Some(place))),
        None => Err(Closing::TooManyBrowsers {
            limit: gate.browsers.per_address(),
        }),
    }
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
                Some(Ok(Message::Close(_))) | None => return Err(Closing::ConnectionLost),
                Some(Err(error)) => return Err(Violation::Unreadable(error.to_string()).into()),
            }
        }
    };
    let text = timeout(settings.hello_deadline, first_text).await;
    admit(&text.map_err(|_elapsed| Closing::HelloExpected)??, settings)
}
