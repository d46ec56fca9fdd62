//! A node that runs, a hub of the test's, and a backend and a machine that do as they are told.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures_util::{SinkExt, StreamExt, future::BoxFuture};
use native_node::{
    backend::{AnswerWriter, Backend, Ending, Failure},
    error::NodeError,
    hub,
    language::Language,
    node::Node,
    status::{ConnectionState, PauseReason, Status},
    stop::{Stop, Stopping},
    surroundings::Surroundings,
    tls,
};
use protocol::{Device, FinishReason, LlmPrompt, NodeMessage, NodeModel, Timings, Usage};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_async,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long the node gives its hub on another network.
pub(super) const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// Says "a", and then does what the prompt's model is called.
#[derive(Debug, Default)]
struct Stub {
    answering: Arc<AtomicUsize>,
    go_on: Arc<Notify>,
}

/// Counts an answer as long as it is being computed.
struct Answering(Arc<AtomicUsize>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Backend for Stub {
    fn models(&self) -> BoxFuture<'_, Result<Vec<NodeModel>, Failure>> {
        Box::pin(async { Ok(models(&["finish"])) })
    }

    fn answer<'a>(
        &'a self,
        prompt: &'a LlmPrompt,
        answer: &'a mut AnswerWriter,
    ) -> BoxFuture<'a, Result<Ending, Failure>> {
        Box::pin(async move {
            self.answering.fetch_add(1, Ordering::SeqCst);
            let _answering = Answering(Arc::clone(&self.answering));
            answer.write("a", vec![1]).await?;
            if prompt.request.model == "wait" {
                self.go_on.notified().await;
            }
            match prompt.request.model.as_str() {
                "finish" | "wait" => Ok(Ending {
                    finish_reason: FinishReason::Stop,
                    usage: Usage::default(),
                    timings: Timings::default(),
                }),
                "fail" => Err(Failure::backend("it broke")),
                "panic" => panic!("a mistake of the backend's"),
                _ => std::future::pending().await,
            }
        })
    }
}

pub(super) fn models(ids: &[&str]) -> Vec<NodeModel> {
    let model = |id: &&str| serde_json::from_value(json!({"id": id, "context_length": 4096}));
    ids.iter().map(|id| model(id).unwrap()).collect()
}

/// A machine that sleeps and moves as the test says.
#[derive(Debug)]
pub(super) struct Machine {
    state: Mutex<(SystemTime, Option<IpAddr>)>,
    /// How often the node has looked at its clock.
    looks: watch::Sender<usize>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            state: Mutex::new((SystemTime::UNIX_EPOCH, None)),
            looks: watch::Sender::default(),
        }
    }
}

impl Machine {
    pub(super) fn sleep(&self, duration: Duration) {
        self.state.lock().unwrap().0 += duration;
    }

    pub(super) fn go_to(&self, address: &str) {
        self.state.lock().unwrap().1 = Some(address.parse().unwrap());
    }

    /// When the node has looked, and has done what follows from it: it looks again.
    pub(super) async fn is_seen(&self) {
        let mut looks = self.looks.subscribe();
        let seen = *looks.borrow() + 2;
        let looked_twice = looks.wait_for(|looks| *looks >= seen);
        timeout(PATIENCE, looked_twice).await.unwrap().unwrap();
    }
}

impl Surroundings for Machine {
    fn clock(&self) -> SystemTime {
        self.looks.send_modify(|looks| *looks += 1);
        self.state.lock().unwrap().0
    }

    fn address_towards(&self, _: SocketAddr) -> Option<IpAddr> {
        self.state.lock().unwrap().1
    }

    fn pace(&self) -> Duration {
        Duration::from_millis(10)
    }
}

/// A node that runs, and the listener that it connects to.
pub(crate) struct Fixture {
    pub(super) listener: TcpListener,
    pub(super) answering: Arc<AtomicUsize>,
    /// Rung, it lets an answer to "wait" end.
    pub(super) go_on: Arc<Notify>,
    pub(super) models: Option<watch::Sender<Vec<NodeModel>>>,
    pub(super) paused: watch::Sender<Option<PauseReason>>,
    pub(super) stop: watch::Sender<Stop>,
    pub(super) surroundings: Arc<Machine>,
    pub(super) status: Status,
    pub(super) node: JoinHandle<Result<(), NodeError>>,
}

impl Fixture {
    pub(super) async fn start() -> Self {
        Self::start_with(1, None).await
    }

    pub(super) async fn start_with(slots: u32, reason: Option<PauseReason>) -> Self {
        let (sender, receiver) = watch::channel(models(&["finish"]));
        let stub = Stub::default();
        let (answering, go_on) = (Arc::clone(&stub.answering), Arc::clone(&stub.go_on));
        Self {
            answering,
            go_on,
            models: Some(sender),
            ..Self::build(Arc::new(stub), receiver, Arc::default(), slots, reason).await
        }
    }

    /// With another backend than the stub.
    pub(crate) async fn with(
        backend: Arc<dyn Backend>,
        models: watch::Receiver<Vec<NodeModel>>,
        look_again: Arc<Notify>,
    ) -> Self {
        Self::build(backend, models, look_again, 1, None).await
    }

    pub(super) async fn build(
        backend: Arc<dyn Backend>,
        models: watch::Receiver<Vec<NodeModel>>,
        look_again: Arc<Notify>,
        slots: u32,
        reason: Option<PauseReason>,
    ) -> Self {
        let (paused, paused_receiver) = watch::channel(reason);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (status, surroundings) = (Status::default(), Arc::new(Machine::default()));
        let node = Node {
            hub_url: format!("ws://{}/ws", listener.local_addr().unwrap()),
            name: "Sauna".into(),
            key: None,
            owner: None,
            slots,
            threads: 1,
            language: Language::English,
            status: status.clone(),
            device: Device::default(),
            backend,
            models,
            look_again,
            surroundings: Arc::clone(&surroundings) as Arc<dyn Surroundings>,
            sign_of_life: SIGN_OF_LIFE,
            paused: paused_receiver,
            tls: tls::client_config().unwrap(),
        };
        let (stop, stopping) = Stopping::new();
        let node = tokio::spawn(async move { hub::run(&node, stopping).await });
        Self {
            listener,
            answering: Arc::default(),
            go_on: Arc::default(),
            models: None,
            paused,
            stop,
            surroundings,
            status,
            node,
        }
    }

    /// Accepts the node's next connection and reads its `hello`.
    pub(super) async fn accept(&self) -> (Hub, Value) {
        let (stream, _) = timeout(PATIENCE, self.listener.accept())
            .await
            .unwrap()
            .unwrap();
        let mut hub = Hub(accept_async(stream).await.unwrap());
        let hello = hub.receive().await;
        assert_eq!(hello["type"], "hello");
        (hub, hello)
    }

    pub(crate) async fn welcome(&self) -> Hub {
        self.welcome_with_heartbeat(60_000).await
    }

    pub(super) async fn welcome_with_heartbeat(&self, heartbeat_ms: u64) -> Hub {
        let (mut hub, _) = self.accept().await;
        hub.welcome(heartbeat_ms).await;
        hub
    }

    /// When the node has read its welcome.
    pub(super) async fn is_connected(&self) {
        let mut status = self.status.watch();
        let connected = status.wait_for(|now| now.connection.state == ConnectionState::Connected);
        timeout(PATIENCE, connected).await.unwrap().unwrap();
    }

    pub(super) async fn says_farewell_to(self, hub: &mut Hub) {
        let Message::Close(Some(frame)) = hub.message().await else {
            panic!("a farewell")
        };
        assert_eq!(frame.code, CloseCode::Away);
        self.nothing_is_computed().await;
        let ended = timeout(PATIENCE, self.node).await.unwrap();
        assert!(ended.unwrap().is_ok());
    }

    pub(super) async fn nothing_is_computed(&self) {
        let idle = async {
            while self.answering.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(1), idle)
            .await
            .expect("the prompt goes on for nobody");
    }
}

pub(crate) struct Hub(pub(super) WebSocketStream<TcpStream>);

impl Hub {
    pub(super) async fn welcome(&mut self, heartbeat_ms: u64) {
        self.send(json!({
            "type": "welcome", "node_id": "n1", "protocol_version": 1,
            "heartbeat_ms": heartbeat_ms, "max_frame_bytes": 1 << 20,
        }))
        .await;
    }

    pub(super) async fn send(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    pub(crate) async fn prompt(&mut self, task_id: &str, model: &str) {
        let frame = json!({"type": "llm_prompt", "task_id": task_id, "model": model,
                           "messages": [{"role": "user", "content": "Hei"}]});
        self.send(frame).await;
    }

    pub(super) async fn message(&mut self) -> Message {
        timeout(PATIENCE, self.0.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
    }

    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.message().await {
                // Whatever the node says must be a message of the protocol.
                serde_json::from_str::<NodeMessage>(&text).unwrap();
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    pub(super) async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: reason.into(),
        };
        self.0.close(Some(frame)).await.unwrap();
    }
}
