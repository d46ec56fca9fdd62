//! The node and a hub: welcome, prompts, cancels, silence, farewells.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt, future::BoxFuture};
use native_node::{
    backend::{AnswerWriter, Backend, Ending, Failure},
    error::NodeError,
    hub,
    language::Language,
    node::Node,
    status::Status,
    tls,
};
use protocol::{
    Device, FinishReason, LlmPrompt, NodeMessage, NodeModel, Timings, Usage, close_code,
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
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
            match prompt.request.model.as_str() {
                "finish" => Ok(Ending {
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

/// A node that runs, and the listener that it connects to.
struct Fixture {
    listener: TcpListener,
    answering: Arc<AtomicUsize>,
    models: watch::Sender<Vec<NodeModel>>,
    stop: Option<oneshot::Sender<()>>,
    node: JoinHandle<Result<(), NodeError>>,
}

impl Fixture {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (sender, receiver) = watch::channel(models(&["finish"]));
        let stub = Stub::default();
        let answering = Arc::clone(&stub.answering);
        let node = Node {
            hub_url: format!("ws://{}/ws", listener.local_addr().unwrap()),
            name: "Sauna".into(),
            key: None,
            slots: 1,
            threads: 1,
            language: Language::English,
            status: Status::default(),
            device: Device::default(),
            backend: Arc::new(stub),
            models: receiver,
            tls: tls::client_config().unwrap(),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let node = tokio::spawn(async move {
            hub::run(&node, async {
                let _ = stopped.await;
            })
            .await
        });
        Self {
            listener,
            answering,
            models: sender,
            stop: Some(stop),
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

    async fn welcome(&self) -> Hub {
        self.welcome_with_heartbeat(60_000).await
    }

    async fn welcome_with_heartbeat(&self, heartbeat_ms: u64) -> Hub {
        let (mut hub, _) = self.accept().await;
        hub.send(json!({
            "type": "welcome", "node_id": "n1", "protocol_version": 1,
            "heartbeat_ms": heartbeat_ms, "max_frame_bytes": 1 << 20,
        }))
        .await;
        hub
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

struct Hub(WebSocketStream<TcpStream>);

impl Hub {
    async fn send(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    async fn prompt(&mut self, task_id: &str, model: &str) {
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

    async fn receive(&mut self) -> Value {
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
    hub.send(
        json!({"type": "welcome", "node_id": "n", "protocol_version": 1,
                    "heartbeat_ms": 60_000, "max_frame_bytes": 1 << 20}),
    )
    .await;
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
    fixture.models.send(models(&["finish", "new"])).unwrap();
    let status = hub.receive().await;
    assert_eq!(status["type"], "node_status");
    assert_eq!(status["models"][1]["id"], "new");
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
async fn an_owner_who_stops_the_node_is_obeyed_and_the_hub_is_told() {
    let mut fixture = Fixture::start().await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", "hang").await;
    assert_eq!(hub.receive().await["type"], "llm_token");
    fixture.stop.take().unwrap().send(()).unwrap();
    let Message::Close(Some(frame)) = hub.message().await else {
        panic!("a farewell")
    };
    assert_eq!(frame.code, CloseCode::Away);
    let ended = timeout(Duration::from_secs(2), &mut fixture.node)
        .await
        .unwrap();
    assert!(ended.unwrap().is_ok());
    fixture.nothing_is_computed().await;
}
