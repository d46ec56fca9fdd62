//! Ollama is restarted, as its updates do, while the node serves a hub.

use std::{net::SocketAddr, sync::Arc, thread, time::Duration};

use native_node::{
    language::Language,
    models::{self, Pace},
    status::Status,
};
use protocol::NodeModel;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    runtime,
    sync::{Notify, oneshot, watch},
};

use crate::{
    hub::Fixture,
    ollama::{ANSWER, Ollama},
    script::{Beat, send},
};

const MODEL: &str = "qwen2.5-coder:3b";

/// A stand-in that can be killed with all its connections, as a process can.
struct Process {
    address: SocketAddr,
    kill: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Process {
    /// Port 0 is any that is free.
    fn start(ollama: Ollama, port: u16) -> Self {
        let (started, address) = std::sync::mpsc::channel();
        let (kill, killed) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
                started.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    _ = axum::serve(listener, ollama.router()) => {}
                    _ = killed => {}
                }
            });
        });
        Self {
            address: address.recv().unwrap(),
            kill,
            thread,
        }
    }

    fn kill(self) {
        self.kill.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

fn ids(status: &Value) -> Vec<&str> {
    assert_eq!(status["type"], "node_status");
    let models = status["models"].as_array().unwrap();
    models
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect()
}

/// Looks at the models only when there is a reason to, so that the reason is what is tested.
async fn watch_when_told(
    backend: &Arc<dyn native_node::backend::Backend>,
    look_again: &Arc<Notify>,
) -> watch::Receiver<Vec<NodeModel>> {
    let pace = Pace {
        usual: Duration::from_secs(3600),
        while_lost: Duration::from_millis(20),
    };
    let (backend, look_again) = (Arc::clone(backend), Arc::clone(look_again));
    models::watch(
        backend,
        pace,
        look_again,
        Language::English,
        Status::default(),
    )
    .await
}

#[tokio::test]
async fn models_go_with_ollama_and_come_back_with_it() {
    let first = ANSWER.lines().next().unwrap();
    let hanging = Ollama::answering(vec![send(first), send("\n"), Beat::Hang]);
    let process = Process::start(hanging, 0);
    let address = process.address;
    let backend = Ollama::join(address).await.unwrap();
    let (backend, look_again): (Arc<dyn native_node::backend::Backend>, _) =
        (Arc::new(backend), Arc::new(Notify::new()));
    let models = watch_when_told(&backend, &look_again).await;
    let fixture = Fixture::with(backend, models, look_again).await;
    let mut hub = fixture.welcome().await;
    hub.prompt("t1", MODEL).await;
    assert_eq!(hub.receive().await["type"], "llm_token");

    process.kill();
    let error = hub.receive().await;
    assert_eq!(
        (&error["type"], &error["task_id"], &error["retryable"]),
        (&json!("llm_error"), &json!("t1"), &json!(true))
    );
    assert!(ids(&hub.receive().await).is_empty(), "no model can answer");
    // One that was on its way.
    hub.prompt("t2", MODEL).await;
    let error = hub.receive().await;
    assert_eq!(
        (&error["type"], &error["task_id"], &error["retryable"]),
        (&json!("llm_error"), &json!("t2"), &json!(true))
    );

    let process = Process::start(Ollama::answering(vec![send(ANSWER)]), address.port());
    assert_eq!(ids(&hub.receive().await), [MODEL]);
    hub.prompt("t3", MODEL).await;
    assert_eq!(hub.receive().await["task_id"], "t3");
    process.kill();
}
