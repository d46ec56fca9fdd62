//! A node that does exactly what a test tells it to, over a real socket.

use futures_util::{SinkExt, StreamExt};
use protocol::{
    AiTask, BenchmarkResult, Device, FinishReason, Hello, HubMessage, LlmDone, LlmError,
    LlmErrorCode, LlmPrompt, LlmToken, NodeKind, NodeMessage, NodeModel, PROTOCOL_VERSION, Task,
    TaskId, Timings, Usage, Welcome,
};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

pub const MODEL: &str = "qwen2.5-coder:0.5b";

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Debug)]
pub struct FakeNode {
    pub welcome: Welcome,
    /// The task that came with the welcome.
    pub benchmark: TaskId,
    pub socket: Socket,
}

/// A native node named `fake` with one model and one slot.
pub fn hello(model: &str) -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        kind: NodeKind::Native,
        name: "fake".to_owned(),
        software: "fake 0.1.0".to_owned(),
        key: None,
        owner: None,
        only_own: false,
        paused: false,
        models: vec![NodeModel {
            id: model.to_owned(),
            digest: None,
            quantisation: None,
            parameters: None,
            context_length: 4096,
            runtime: "fake".to_owned(),
        }],
        slots: 1,
        device: Device::default(),
    }
}

impl FakeNode {
    /// Joins the hub at `url`, and waits for its welcome and the task to measure itself.
    pub async fn join(url: &str, hello: Hello) -> Self {
        let (mut socket, _) = connect_async(url)
            .await
            .expect("the hub takes the connection");
        send(&mut socket, &NodeMessage::Hello(hello)).await;
        let welcome = match receive(&mut socket).await {
            HubMessage::Welcome(welcome) => welcome,
            other => panic!("expected a welcome, got {other:?}"),
        };
        let benchmark = match receive(&mut socket).await {
            HubMessage::AiTask(AiTask {
                task_id,
                task: Task::Benchmark { .. },
            }) => task_id,
            other => panic!("expected a benchmark, got {other:?}"),
        };
        Self {
            welcome,
            benchmark,
            socket,
        }
    }

    /// Answers the benchmark of its beginning.
    pub async fn benchmarked(&mut self, cpu_multiply_adds_per_second: f64) {
        let task_id = self.benchmark.clone();
        self.send(NodeMessage::BenchmarkResult(BenchmarkResult {
            task_id,
            cpu_multiply_adds_per_second,
            gpu_multiply_adds_per_second: None,
        }))
        .await;
    }

    pub async fn send(&mut self, message: NodeMessage) {
        send(&mut self.socket, &message).await;
    }

    pub async fn receive(&mut self) -> HubMessage {
        receive(&mut self.socket).await
    }

    pub async fn prompt(&mut self) -> LlmPrompt {
        match self.receive().await {
            HubMessage::LlmPrompt(prompt) => prompt,
            other => panic!("expected a prompt, got {other:?}"),
        }
    }

    pub async fn cancelled(&mut self) -> TaskId {
        match self.receive().await {
            HubMessage::LlmCancel(cancel) => cancel.task_id,
            other => panic!("expected a cancel, got {other:?}"),
        }
    }

    pub async fn token(&mut self, task_id: &TaskId, seq: u64, text: &str) {
        let (task_id, text) = (task_id.clone(), text.to_owned());
        self.send(NodeMessage::LlmToken(LlmToken {
            task_id,
            seq,
            text,
            token_ids: vec![],
        }))
        .await;
    }

    pub async fn done(&mut self, task_id: &TaskId, finish_reason: FinishReason, usage: Usage) {
        let timings = Timings {
            load_ms: 0.0,
            prefill_ms: 20.0,
            decode_ms: 100.0,
        };
        let task_id = task_id.clone();
        self.send(NodeMessage::LlmDone(LlmDone {
            task_id,
            finish_reason,
            usage,
            timings,
        }))
        .await;
    }

    pub async fn error(&mut self, task_id: &TaskId, code: LlmErrorCode, message: &str) {
        let (task_id, message) = (task_id.clone(), message.to_owned());
        let error = LlmError {
            task_id,
            code,
            message,
            retryable: false,
        };
        self.send(NodeMessage::LlmError(error)).await;
    }

    /// Answers a prompt with these pieces of text, each one token.
    pub async fn answer(&mut self, task_id: &TaskId, texts: &[&str]) {
        for (text, seq) in texts.iter().zip(0..) {
            self.token(task_id, seq, text).await;
        }
        let completion_tokens = u32::try_from(texts.len()).unwrap();
        let usage = Usage {
            prompt_tokens: 12,
            cached_tokens: 5,
            completion_tokens,
        };
        self.done(task_id, FinishReason::Stop, usage).await;
    }
}

async fn send(socket: &mut Socket, message: &NodeMessage) {
    let text = serde_json::to_string(message).unwrap();
    socket
        .send(Message::text(text))
        .await
        .expect("the hub reads");
}

async fn receive(socket: &mut Socket) -> HubMessage {
    loop {
        let message = socket.next().await.expect("the hub keeps the connection");
        if let Message::Text(text) = message.expect("the connection is whole") {
            return serde_json::from_str(&text).unwrap();
        }
    }
}
