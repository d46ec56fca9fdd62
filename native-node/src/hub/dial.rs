//! Opening a connection to the hub and being welcomed.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use protocol::{HubMessage, MAX_HUB_FRAME_BYTES, NodeMessage, Welcome, close_code};
use rustls::ClientConfig;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        self, Bytes, Message,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use crate::error::LossReason;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// For the connection and for the welcome, each.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no connection, or no longer.
#[derive(Debug, PartialEq)]
pub(super) enum Loss {
    /// Trying again may help.
    Passing(LossReason),
    /// The hub said that it stops, and over how long its nodes should spread their return.
    HubStopped { back_within: Option<Duration> },
    /// The hub said that it can't.
    Final { code: u16, reason: String },
}

impl Loss {
    fn of_close(frame: Option<&CloseFrame>) -> Self {
        let Some(frame) = frame else {
            return Self::Passing(LossReason::Ended);
        };
        let (code, reason) = (u16::from(frame.code), frame.reason.to_string());
        if close_code::is_final(code) {
            Self::Final { code, reason }
        } else {
            Self::Passing(LossReason::Closed { code, reason })
        }
    }

    fn of_socket(error: &tungstenite::Error) -> Self {
        Self::Passing(LossReason::Broken(error.to_string()))
    }
}

pub(super) async fn connect(url: &str, tls: &Arc<ClientConfig>) -> Result<Socket, Loss> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_HUB_FRAME_BYTES))
        .max_frame_size(Some(MAX_HUB_FRAME_BYTES));
    let connector = Connector::Rustls(Arc::clone(tls));
    // Tokens are small and should leave at once, so without Nagle's algorithm.
    let connecting = connect_async_tls_with_config(url, Some(config), true, Some(connector));
    match timeout(TIMEOUT, connecting).await {
        Ok(Ok((socket, _response))) => Ok(socket),
        Ok(Err(error)) => Err(Loss::of_socket(&error)),
        Err(_) => Err(Loss::Passing(LossReason::NoAnswer)),
    }
}

/// Introduces the node, and waits for the hub's welcome.
pub(super) async fn introduce(socket: &mut Socket, hello: NodeMessage) -> Result<Welcome, Loss> {
    let exchange = async {
        send(socket, &hello).await?;
        loop {
            let message = receive(socket).await?;
            match message.map(|text| serde_json::from_str(&text)) {
                Some(Ok(HubMessage::Welcome(welcome))) => return Ok(welcome),
                Some(_) => tracing::debug!("the hub spoke before its welcome"),
                None => {}
            }
        }
    };
    timeout(TIMEOUT, exchange)
        .await
        .unwrap_or(Err(Loss::Passing(LossReason::NoWelcome)))
}

pub(super) async fn send(socket: &mut Socket, message: &NodeMessage) -> Result<(), Loss> {
    let text = serde_json::to_string(message)
        .map_err(|error| Loss::Passing(LossReason::Broken(error.to_string())))?;
    socket
        .send(Message::text(text))
        .await
        .map_err(|error| Loss::of_socket(&error))
}

/// Asks the hub for a sign of life.
pub(super) async fn ping(socket: &mut Socket) -> Result<(), Loss> {
    let ping = socket.send(Message::Ping(Bytes::new()));
    timeout(TIMEOUT, ping)
        .await
        .unwrap_or(Err(tungstenite::Error::ConnectionClosed))
        .map_err(|error| Loss::of_socket(&error))
}

/// Whom the connection goes to: the hub, or a proxy before it.
pub(super) fn peer(socket: &Socket) -> Option<SocketAddr> {
    let stream = match socket.get_ref() {
        MaybeTlsStream::Plain(stream) => stream,
        MaybeTlsStream::Rustls(stream) => stream.get_ref().0,
        _ => return None,
    };
    stream.peer_addr().ok()
}

/// The next frame's text; `None` for frames without, such as pings, which are answered below here.
pub(super) async fn receive(socket: &mut Socket) -> Result<Option<String>, Loss> {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => Ok(Some(text.to_string())),
        Some(Ok(Message::Close(frame))) => Err(Loss::of_close(frame.as_ref())),
        Some(Ok(_)) => Ok(None),
        Some(Err(error)) => Err(Loss::of_socket(&error)),
        None => Err(Loss::Passing(LossReason::Ended)),
    }
}
