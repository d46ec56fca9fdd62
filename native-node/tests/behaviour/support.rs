//! What the tests of all backends need.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::Router;
use native_node::{
    backend::{AnswerWriter, Backend, Ending, Failure},
    config::BaseUrl,
};
use protocol::{LlmPrompt, LlmToken, NodeMessage};
use serde_json::Value;
use tokio::{net::TcpListener, sync::mpsc};

/// Requests that a stand-in has got, for the test to look at.
pub(crate) type Recorded = Arc<Mutex<Vec<Value>>>;

pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

pub(crate) fn base_url(address: SocketAddr, path: &str) -> BaseUrl {
    BaseUrl::parse(&format!("http://{address}{path}")).unwrap()
}

pub(crate) fn prompt(json: Value) -> LlmPrompt {
    serde_json::from_value(json).unwrap()
}

pub(crate) struct Answer {
    pub(crate) frames: Vec<LlmToken>,
    pub(crate) end: Result<Ending, Failure>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        self.frames
            .iter()
            .map(|frame| frame.text.as_str())
            .collect()
    }
}

pub(crate) async fn ask(backend: &dyn Backend, prompt: &LlmPrompt) -> Answer {
    let (sender, mut receiver) = mpsc::channel(1000);
    let mut writer = AnswerWriter::new(prompt.task_id.clone(), sender, 1 << 20);
    let end = backend.answer(prompt, &mut writer).await;
    drop(writer);
    let mut frames = Vec::new();
    while let Some(message) = receiver.recv().await {
        let NodeMessage::LlmToken(frame) = message else {
            panic!("only tokens: {message:?}")
        };
        frames.push(frame);
    }
    assert!(
        frames
            .iter()
            .map(|frame| frame.seq)
            .eq(0..frames.len() as u64),
        "no gaps"
    );
    Answer { frames, end }
}
