//! Between a node and the hub: passes frames on, until it is told to do otherwise.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use protocol::{HubMessage, NodeMessage, TaskId};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    time::sleep,
};
use tokio_tungstenite::{
    WebSocketStream, accept_async, client_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

/// What befalls a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Both ends see the other's go without a word.
    Cut,
    /// Nothing passes for so long, then everything.
    Hold(Duration),
    /// The next token that the node sends is not what the hub gets.
    Lie(Lie),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lie {
    Gap,
    Repeat,
    ForeignTask,
    Oversize,
    Garbage,
    Binary,
}

impl Lie {
    pub(crate) const ALL: [Self; 6] = [
        Self::Gap,
        Self::Repeat,
        Self::ForeignTask,
        Self::Oversize,
        Self::Garbage,
        Self::Binary,
    ];
}

#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    orders: mpsc::UnboundedSender<Order>,
    connected: watch::Receiver<bool>,
}

/// One node went on from what others had sent.
#[derive(Clone, Debug)]
pub(crate) struct Handover {
    pub(crate) task: TaskId,
    /// Bytes of the answer before it.
    pub(crate) at: usize,
}

#[derive(Debug)]
pub(crate) struct Handovers(std::cell::RefCell<mpsc::UnboundedReceiver<Handover>>);

impl Handovers {
    pub(crate) fn new() -> (mpsc::UnboundedSender<Handover>, Self) {
        let (noted, handovers) = mpsc::unbounded_channel();
        (noted, Self(handovers.into()))
    }

    pub(crate) fn so_far(&self) -> Vec<Handover> {
        let mut all = Vec::new();
        let mut handovers = self.0.borrow_mut();
        while let Ok(handover) = handovers.try_recv() {
            all.push(handover);
        }
        all
    }
}

impl Proxy {
    pub(crate) async fn start(
        hub: SocketAddr,
        noted: mpsc::UnboundedSender<Handover>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (orders, mut inbox) = mpsc::unbounded_channel();
        let (connected, is_connected) = watch::channel(false);
        tokio::spawn(async move {
            loop {
                let Ok((node, _)) = listener.accept().await else {
                    continue;
                };
                // What was ordered for the connection before has nothing to do with this one.
                while inbox.try_recv().is_ok() {}
                // Whoever breaks the connection has been told to.
                let _ = serve(node, hub, &mut inbox, &noted, &connected).await;
                connected.send_replace(false);
            }
        });
        Ok(Self {
            address,
            orders,
            connected: is_connected,
        })
    }

    pub(crate) fn order(&self, order: Order) {
        // The task lives as long as the process.
        let _ = self.orders.send(order);
    }

    pub(crate) fn is_connected(&self) -> bool {
        *self.connected.borrow()
    }
}

async fn serve(
    node: TcpStream,
    hub: SocketAddr,
    orders: &mut mpsc::UnboundedReceiver<Order>,
    noted: &mpsc::UnboundedSender<Handover>,
    connected: &watch::Sender<bool>,
) -> anyhow::Result<()> {
    node.set_nodelay(true)?;
    let hub_socket = TcpStream::connect(hub).await?;
    hub_socket.set_nodelay(true)?;
    let mut node = accept_async(node).await?;
    let (mut hub, _) = client_async(format!("ws://{hub}/ws"), hub_socket).await?;
    connected.send_replace(true);
    let mut lie = None;
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Cut) | None => return Ok(()),
                Some(Order::Hold(time)) => sleep(time).await,
                Some(Order::Lie(kind)) => lie = Some(kind),
            },
            frame = node.next() => match frame {
                Some(Ok(frame)) => {
                    let frames = match lie {
                        Some(kind) if is_token(&frame) => {
                            lie = None;
                            told(kind, frame)
                        }
                        _ => vec![frame],
                    };
                    for frame in frames {
                        pass(&mut hub, frame).await?;
                    }
                }
                _ => return Ok(()),
            },
            frame = hub.next() => match frame {
                Some(Ok(frame)) => {
                    note(&frame, noted);
                    let is_close = frame.is_close();
                    pass(&mut node, frame).await?;
                    if is_close {
                        return Ok(());
                    }
                }
                _ => return Ok(()),
            },
        }
    }
}

/// Pings are answered on the way, too, so an answer to one goes no further.
async fn pass(socket: &mut WebSocketStream<TcpStream>, frame: Message) -> anyhow::Result<()> {
    match frame {
        Message::Pong(_) | Message::Frame(_) => {}
        Message::Close(Some(frame)) if frame.code == CloseCode::Abnormal => {}
        frame => socket.send(frame).await?,
    }
    Ok(())
}

fn is_token(frame: &Message) -> bool {
    matches!(frame, Message::Text(text) if text.contains(r#""llm_token""#))
}

fn note(frame: &Message, noted: &mpsc::UnboundedSender<Handover>) {
    let Message::Text(text) = frame else { return };
    let Ok(HubMessage::LlmPrompt(prompt)) = serde_json::from_str(text) else {
        return;
    };
    if let Some(before) = prompt.continue_from {
        // Nobody counts any more.
        let _ = noted.send(Handover {
            task: prompt.task_id,
            at: before.len(),
        });
    }
}

/// What the hub gets in place of a token.
fn told(lie: Lie, frame: Message) -> Vec<Message> {
    let Message::Text(text) = &frame else {
        return vec![frame];
    };
    let Ok(NodeMessage::LlmToken(mut token)) = serde_json::from_str(text) else {
        return vec![frame];
    };
    match lie {
        Lie::Gap => token.seq += 3,
        Lie::Repeat => return vec![frame.clone(), frame],
        Lie::ForeignTask => token.task_id = TaskId("task-of-another".to_owned()),
        Lie::Oversize => token.text = "x".repeat(protocol::MAX_NODE_FRAME_BYTES + 1),
        Lie::Garbage => return vec![Message::text(r#"{"type":"llm_token","task_id"#)],
        Lie::Binary => return vec![Message::binary(vec![0xff; 64])],
    }
    let text = serde_json::to_string(&NodeMessage::LlmToken(token));
    text.map_or_else(|_| Vec::new(), |text| vec![Message::text(text)])
}
