//! The node and a hub: welcome, prompts, cancels, silence, farewells.

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
    error::{LossReason, NodeError},
    hub,
    language::Language,
    node::Node,
    status::{ConnectionState, PauseReason, Status, TroubleKind},
    stop::{Stop, Stopping},
    surroundings::Surroundings,
    tls,
};
use protocol::{
    Device, FinishReason, LlmPrompt, NodeMessage, NodeModel, Timings, Usage, close_code,
};
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

const PATIENCE: Duration = Duration::from_secs(10);

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

fn models(ids: &[&str]) -> Vec<NodeModel> {
    let model = |id: &&str| serde_json::from_value(json!({"id": id, "context_length": 4096}));
    ids.iter().map(|id| model(id).unwrap()).collect()
}

/// A machine that sleeps and moves as the test says.
#[derive(Debug)]
struct Machine(Mutex<(SystemTime, Option<IpAddr>)>);

impl Default for Machine {
    fn default() -> Self {
        Self(Mutex::new((SystemTime::UNIX_EPOCH, None)))
    }
}

impl Machine {
    fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap().0 += duration;
    }

    fn go_to(&self, address: &str) {
        self.0.lock().unwrap().1 = Some(address.parse().unwrap());
    }
}

impl Surroundings for Machine {
    fn clock(&self) -> SystemTime {
        self.0.lock().unwrap().0
    }

    fn address_towards(&self, _: SocketAddr) -> Option<IpAddr> {
        self.0.lock().unwrap().1
    }

    fn pace(&self) -> Duration {
        Duration::from_millis(10)
    }
}

/// A node that runs, and the listener that it connects to.
pub(crate) struct Fixture {
    listener: TcpListener,
    answering: Arc<AtomicUsize>,
    /// Rung, it lets an answer to "wait" end.
    go_on: Arc<Notify>,
    models: Option<watch::Sender<Vec<NodeModel>>>,
    paused: watch::Sender<Option<PauseReason>>,
    stop: watch::Sender<Stop>,
    surroundings: Arc<Machine>,
    status: Status,
    node: JoinHandle<Result<(), NodeError>>,
}

impl Fixture {
    async fn start() -> Self {
        Self::start_with(1, None).await
    }

    async fn start_with(slots: u32, reason: Option<PauseReason>) -> Self {
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

    async fn build(
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
            slots,
            threads: 1,
            language: Language::English,
            status: status.clone(),
            device: Device::default(),
            backend,
            models,
            look_again,
            surroundings: Arc::clone(&surroundings) as Arc<dyn Surroundings>,
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
    async fn accept(&self) -> (Hub, Value) {
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

    async fn welcome_with_heartbeat(&self, heartbeat_ms: u64) -> Hub {
        let (mut hub, _) = self.accept().await;
        hub.welcome(heartbeat_ms).await;
        hub
    }

    /// When the node has read its welcome.
    async fn is_connected(&self) {
        let mut status = self.status.watch();
        let connected = status.wait_for(|now| now.connection.state == ConnectionState::Connected);
        timeout(PATIENCE, connected).await.unwrap().unwrap();
    }

    async fn says_farewell_to(self, hub: &mut Hub) {
        let Message::Close(Some(frame)) = hub.message().await else {
            panic!("a farewell")
        };
        assert_eq!(frame.code, CloseCode::Away);
        self.nothing_is_computed().await;
        let ended = timeout(PATIENCE, self.node).await.unwrap();
        assert!(ended.unwrap().is_ok());
    }

    async fn nothing_is_computed(&self) {
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

pub(crate) struct Hub(WebSocketStream<TcpStream>);

impl Hub {
    async fn welcome(&mut self, heartbeat_ms: u64) {
        self.send(json!({
            "type": "welcome", "node_id": "n1", "protocol_version": 1,
            "heartbeat_ms": heartbeat_ms, "max_frame_bytes": 1 << 20,
        }))
        .await;
    }

    async fn send(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    pub(crate) async fn prompt(&mut self, task_id: &str, model: &str) {
        let frame = json!({"type": "llm_prompt", "task_id": task_id, "model": model,
                           "messages": [{"role": "user", "content": "Hei"}]});
        self.send(frame).await;
    }

    async fn message(&mut self) -> Message {
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

    async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: reason.into(),
        };
        self.0.close(Some(frame)).await.unwrap();
    }
}

#[tokio::test]
async fn the_node_introduces_itself_and_answers() {
    let fixture = Fixture::start().await;
    let (mut hub, hello) = fixture.accept().await;
    assert_eq!(
        (&hello["kind"], &hello["name"]),
        (&json!("native"), &json!("Sauna"))
    );
    assert_eq!(hello["models"][0]["id"], "finish");
    hub.welcome(60_000).await;
    // One slot answers prompts one after another, each time from the beginning of `seq`.
    for task_id in ["t1", "t2"] {
        hub.prompt(task_id, "finish").await;
        let token = hub.receive().await;
        assert_eq!(token["type"], "llm_token");
        assert_eq!(
            (&token["task_id"], &token["seq"]),
            (&json!(task_id), &json!(0))
        );
        let done = hub.receive().await;
        assert_eq!(
            (&done["type"], &done["finish_reason"]),
            (&json!("llm_done"), &json!("stop"))
        );
    }
}

#[tokio::test]
async fn failures_and_mistakes_are_told_and_free_the_slot() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    for model in ["fail", "panic", "fail"] {
        hub.prompt(model, model).await;
        assert_eq!(hub.receive().await["type"], "llm_token");
        let error = hub.receive().await;
        assert_eq!(
            (&error["type"], &error["task_id"]),
            (&json!("llm_error"), &json!(model))
        );
        assert_eq!(
            (&error["code"], &error["retryable"]),
            (&json!("backend_failed"), &json!(true))
        );
    }
}

#[tokio::test]
async fn more_prompts_than_slots_are_sent_back() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    hub.prompt("t2", "finish").await;
    let error = hub.receive().await;
    assert_eq!(
        (&error["task_id"], &error["code"]),
        (&json!("t2"), &json!("unavailable"))
    );
    assert_eq!(error["retryable"], true);
}

#[tokio::test]
async fn as_many_prompts_as_slots_are_computed_at_once() {
    let fixture = Fixture::start_with(2, None).await;
    let (mut hub, hello) = fixture.accept().await;
    assert_eq!(hello["slots"], 2);
    hub.welcome(60_000).await;
    for task_id in ["t1", "t2"] {
        hub.prompt(task_id, "hang").await;
        assert_eq!(hub.receive().await["task_id"], task_id);
    }
    assert_eq!(fixture.answering.load(Ordering::SeqCst), 2);
    hub.prompt("t3", "finish").await;
    assert_eq!(hub.receive().await["code"], "unavailable");
    hub.send(json!({"type": "llm_cancel", "task_id": "t1"}))
        .await;
    hub.prompt("t4", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t4");
}

#[tokio::test]
async fn a_cancelled_prompt_stops_at_once_and_frees_its_slot() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    hub.send(json!({"type": "llm_cancel", "task_id": "t1"}))
        .await;
    fixture.nothing_is_computed().await;
    hub.send(json!({"type": "llm_cancel", "task_id": "never heard of"}))
        .await;
    hub.prompt("t2", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t2");
}

#[tokio::test]
async fn a_lost_connection_ends_its_prompts_and_the_node_comes_back() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    drop(hub);
    fixture.nothing_is_computed().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t2", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t2");
}

#[tokio::test]
async fn a_hub_that_stops_is_visited_again() {
    let fixture = Fixture::start().await;
    let hub = fixture.welcome().await;
    hub.close(close_code::HUB_STOPPING, "back soon").await;
    fixture.welcome().await;
}

#[tokio::test]
async fn a_hub_that_does_not_want_the_node_is_left_alone() {
    let fixture = Fixture::start().await;
    let (hub, _) = fixture.accept().await;
    hub.close(close_code::UNAUTHORISED, "a key is needed").await;
    let error = timeout(PATIENCE, fixture.node)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("NODE_API_KEY"), "{error}");
    assert!(error.to_string().contains("a key is needed"), "{error}");
}

#[tokio::test]
async fn a_silent_hub_is_left_for_a_new_connection() {
    let fixture = Fixture::start().await;
    let silent = fixture.welcome_with_heartbeat(100).await;
    fixture.welcome().await;
    drop(silent);
}

#[tokio::test]
async fn pings_are_answered_and_keep_the_connection() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome_with_heartbeat(400).await;
    for _ in 0..5 {
        hub.0.send(Message::Ping("k".into())).await.unwrap();
        assert_eq!(hub.message().await, Message::Pong("k".into()));
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}

#[tokio::test]
async fn a_draining_node_finishes_what_it_has_and_takes_no_more() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    hub.send(json!({"type": "drain"})).await;
    hub.send(json!({"type": "llm_cancel", "task_id": "t1"}))
        .await;
    hub.prompt("t2", "finish").await;
    let error = hub.receive().await;
    assert_eq!(
        (&error["task_id"], &error["code"]),
        (&json!("t2"), &json!("unavailable"))
    );
}

#[tokio::test]
async fn the_hub_hears_when_models_change() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    let sender = fixture.models.as_ref().unwrap();
    sender.send(models(&["finish", "new"])).unwrap();
    let status = hub.receive().await;
    assert_eq!(status["type"], "node_status");
    assert_eq!(status["models"][1]["id"], "new");
}

#[tokio::test]
async fn a_paused_node_finishes_what_it_has_takes_no_more_and_goes_on() {
    let fixture = Fixture::start().await;
    let (mut hub, hello) = fixture.accept().await;
    assert_eq!(hello.get("paused"), None);
    hub.welcome(60_000).await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    fixture.paused.send(Some(PauseReason::OnBattery)).unwrap();
    let status = hub.receive().await;
    assert_eq!(status, json!({"type": "node_status", "paused": true}));
    // A prompt that was on its way comes back, and the one that is computed goes on.
    hub.prompt("t2", "finish").await;
    let error = hub.receive().await;
    assert_eq!(
        (&error["task_id"], &error["code"], &error["retryable"]),
        (&json!("t2"), &json!("unavailable"), &json!(true))
    );
    assert_eq!(fixture.answering.load(Ordering::SeqCst), 1);
    hub.send(json!({"type": "llm_cancel", "task_id": "t1"}))
        .await;
    // A new reason for the same pause is no news to the hub: next it hears of the end.
    let reason = PauseReason::GpuInUse { by: None };
    fixture.paused.send(Some(reason)).unwrap();
    fixture.paused.send(None).unwrap();
    let status = hub.receive().await;
    assert_eq!(status, json!({"type": "node_status", "paused": false}));
    hub.prompt("t3", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t3");
}

#[tokio::test]
async fn a_node_that_begins_paused_says_so_at_once() {
    let fixture = Fixture::start_with(1, Some(PauseReason::OnBattery)).await;
    let (mut hub, hello) = fixture.accept().await;
    assert_eq!(hello["paused"], true);
    hub.welcome(60_000).await;
    hub.prompt("t1", "finish").await;
    assert_eq!(hub.receive().await["code"], "unavailable");
    fixture.paused.send(None).unwrap();
    assert_eq!(hub.receive().await["paused"], false);
}

#[tokio::test]
async fn frames_that_are_not_understood_change_nothing() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    for frame in [
        "nonsense",
        "{}",
        "{\"type\":\"dance\"}",
        "{\"type\":\"llm_prompt\"}",
        "[]",
    ] {
        hub.0.send(Message::text(frame)).await.unwrap();
    }
    hub.0.send(Message::binary(vec![0, 255])).await.unwrap();
    hub.send(json!({"type": "ai_task", "task_id": "b", "task": "fold_proteins"}))
        .await;
    hub.prompt("t1", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t1");
}

#[tokio::test]
async fn a_benchmark_is_measured_while_the_connection_goes_on() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    let task = json!({"type": "ai_task", "task_id": "b", "task": "benchmark", "duration_ms": 300});
    hub.send(task).await;
    hub.prompt("t1", "finish").await;
    assert_eq!(
        hub.receive().await["type"],
        "llm_token",
        "the prompt does not wait"
    );
    assert_eq!(hub.receive().await["type"], "llm_done");
    let result = hub.receive().await;
    assert_eq!(
        (&result["type"], &result["task_id"]),
        (&json!("benchmark_result"), &json!("b"))
    );
    assert!(result["cpu_multiply_adds_per_second"].as_f64().unwrap() > 1e6);
}

#[tokio::test]
async fn an_owner_who_stops_an_idle_node_is_obeyed_and_the_hub_is_told() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    fixture.stop.send_replace(Stop::Finish);
    fixture.says_farewell_to(&mut hub).await;
}

#[tokio::test]
async fn a_node_that_stops_finishes_what_it_has_and_takes_no_more() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "wait").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    fixture.stop.send_replace(Stop::Finish);
    let status = hub.receive().await;
    assert_eq!(
        (&status["type"], &status["paused"]),
        (&json!("node_status"), &json!(true))
    );
    let state = fixture.status.watch().borrow().connection.state;
    assert_eq!(state, ConnectionState::Stopping);
    // This one was on its way already.
    hub.prompt("t2", "finish").await;
    let refused = hub.receive().await;
    assert_eq!(
        (&refused["task_id"], &refused["code"], &refused["retryable"]),
        (&json!("t2"), &json!("unavailable"), &json!(true))
    );
    fixture.go_on.notify_one();
    let done = hub.receive().await;
    assert_eq!(
        (&done["type"], &done["task_id"]),
        (&json!("llm_done"), &json!("t1"))
    );
    fixture.says_farewell_to(&mut hub).await;
}

#[tokio::test]
async fn an_owner_who_can_not_wait_ends_what_is_under_way() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    fixture.stop.send_replace(Stop::Finish);
    assert_eq!(hub.receive().await["type"], "node_status");
    fixture.stop.send_replace(Stop::Now);
    fixture.says_farewell_to(&mut hub).await;
}

#[tokio::test]
async fn a_node_that_looks_for_its_hub_can_be_stopped() {
    let fixture = Fixture::start().await;
    let hub = fixture.welcome().await;
    hub.close(close_code::RATE_LIMITED, "too fast").await;
    fixture.stop.send_replace(Stop::Finish);
    let ended = timeout(PATIENCE, fixture.node).await.unwrap();
    assert!(ended.unwrap().is_ok());
}

#[tokio::test]
async fn a_hub_that_is_upgraded_gets_its_answers_and_then_the_node_back() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "wait").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    hub.send(json!({"type": "drain"})).await;
    fixture.go_on.notify_one();
    assert_eq!(hub.receive().await["type"], "llm_done");
    hub.close(close_code::HUB_STOPPING, "back soon").await;
    let mut hub = fixture.welcome().await;
    // The new hub finds a node like any other.
    hub.prompt("t2", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t2");
    let error = fixture.status.watch().borrow().last_error.clone().unwrap();
    let reason = LossReason::HubStopped;
    assert_eq!(error.what, TroubleKind::Hub { reason });
}

#[tokio::test]
async fn a_machine_that_wakes_up_connects_anew() {
    let fixture = Fixture::start().await;
    let asleep = fixture.welcome().await;
    fixture.is_connected().await;
    fixture.surroundings.sleep(Duration::from_secs(3600));
    fixture.welcome().await;
    drop(asleep);
}

#[tokio::test]
async fn a_short_nap_leaves_the_connection_alone() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    fixture.is_connected().await;
    fixture.surroundings.sleep(Duration::from_secs(100));
    hub.prompt("t1", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t1");
}

#[tokio::test]
async fn on_another_network_a_hub_that_answers_is_kept() {
    let fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    fixture.is_connected().await;
    fixture.surroundings.go_to("10.0.0.7");
    assert_eq!(hub.message().await, Message::Ping("".into()));
    // The answer to the ping goes out with the next frame.
    hub.prompt("t1", "finish").await;
    assert_eq!(hub.receive().await["task_id"], "t1");
    let state = fixture.status.watch().borrow().connection.state;
    assert_eq!(state, ConnectionState::Connected);
}

#[tokio::test]
async fn on_another_network_a_hub_that_is_silent_is_left_for_a_new_connection() {
    let fixture = Fixture::start().await;
    let unreachable = fixture.welcome().await;
    fixture.is_connected().await;
    fixture.surroundings.go_to("10.0.0.7");
    fixture.welcome().await;
    drop(unreachable);
}
