//! A node's connection from the first byte to the last: hello, session, farewell.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::{
    StreamExt,
    stream::{SplitSink, SplitStream},
};
use protocol::NodeKind;
use tokio::time::timeout;

use super::NodeGate;
use super::hello::{Admitted, admit};
use super::outgoing::Outgoing;
use super::session::Session;
use super::violation::{Closing, Violation};
use crate::clock::unix_seconds;
use crate::dispatch::Origin;
use crate::net::{ConnectionPermit, network_of};
use crate::rules::NodeIdentity;

/// For a node to read why it is dropped; its own frames are thrown away meanwhile.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves a node's connection until it ends. What lives in here across an await is what an idle node takes.
pub(super) async fn serve(
    sink: SplitSink<WebSocket, Message>,
    mut incoming: SplitStream<WebSocket>,
    gate: &NodeGate,
    address: IpAddr,
) {
    let outgoing = Outgoing::start(sink, gate.settings().outgoing_frames, gate.metrics.clone());
    let closing = match join(&mut incoming, gate, address, &outgoing).await {
        Ok((mut session, _place)) => session.run(&mut incoming).await,
        Err(closing) => closing,
    };
    gate.metrics.node_left(closing.label());
    outgoing.close(closing.close_frame()).await;
    // Closing a socket with unread frames in it would throw away the close frame on its way.
    let rest = async { while incoming.next().await.is_some_and(|frame| frame.is_ok()) {} };
    let _ = timeout(FAREWELL, rest).await;
}

async fn join<'a>(
    incoming: &mut SplitStream<WebSocket>,
    gate: &'a NodeGate,
    address: IpAddr,
    outgoing: &'a Outgoing,
) -> Result<(Session<'a>, Option<ConnectionPermit>), Closing> {
    let (Admitted { introduction, key }, place) = let_in(incoming, gate, address)
        .await
        .inspect_err(|closing| {
            tracing::info!("a node was not let in: {closing}");
        })?;
    let key = key.map(|key| key.id);
    let origin = Origin { address, key };
    let membership = gate.dispatcher.join(introduction.clone(), origin).await;
    let membership = membership.ok_or(Closing::HubStopping)?;
    let session = Session::new(gate, &introduction, key, membership, outgoing);
    Ok((session, place))
}

/// Who the node is, and its place among the browsers of its address where it needs one.
async fn let_in(
    incoming: &mut SplitStream<WebSocket>,
    gate: &NodeGate,
    address: IpAddr,
) -> Result<(Admitted, Option<ConnectionPermit>), Closing> {
    let admitted = hello(incoming, gate).await?;
    let introduction = &admitted.introduction;
    let identity = NodeIdentity {
        kind: introduction.kind,
        name: introduction.name.clone(),
        key: admitted.key.as_ref().map(|key| key.id),
        network: network_of(address),
    };
    if let Some(ban) = gate.decisions.rules.now().await.ruling(&identity).ban {
        return Err(Closing::Banned(ban));
    }
    let settings = Arc::clone(&gate.decisions.settings.now().await.tuned.nodes);
    if !introduction.trusted && !settings.guests {
        return Err(Closing::Unauthorised(
            "this hub takes nodes with a key only; ask its operator for one",
        ));
    }
    // A native node without a key is the operator's own choice: he set none.
    if introduction.kind != NodeKind::Browser || introduction.trusted {
        return Ok((admitted, None));
    }
    let limit = settings.browsers_per_address;
    match gate.browsers.acquire_within(limit, address) {
        Some(place) => Ok((admitted, Some(place))),
        None => Err(Closing::TooManyBrowsers { limit }),
    }
}

async fn hello(
    incoming: &mut SplitStream<WebSocket>,
    gate: &NodeGate,
) -> Result<Admitted, Closing> {
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
    let settings = gate.settings();
    let text = timeout(settings.hello_deadline, first_text).await;
    let text = text.map_err(|_elapsed| Closing::HelloExpected)??;
    // Whoever has no key of the book is no concern of a book that can't be read.
    let (book, now) = (gate.keys.book().await, unix_seconds());
    let mut admitted = admit(&text, &settings, |secret| match &book {
        Ok(book) => Ok(Arc::clone(book.find(secret, now)?)),
        Err(_unreadable) => Err(Closing::KeysUnreadable),
    })?;
    if let Some(key) = &admitted.key {
        gate.keys.used(key.id);
        let owner = &mut admitted.introduction.owner;
        *owner = owner.take().or_else(|| gate.keys.owner_of(key));
    }
    Ok(admitted)
}
