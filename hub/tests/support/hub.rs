//! A hub of its own for each test: port 0, a fresh directory, settings as an operator gives them.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::Router;
use hub::{
    admin::Admin,
    config::Config,
    dispatch::Dispatcher,
    keys::Keys,
    metrics::Metrics,
    models,
    router::router,
    server::Server,
    state::Hub,
    store::{Store, StoreSettings},
};
use protocol::Stats;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

/// A running hub. Dropping it leaves its task to the runtime; `stop` ends it in good order.
#[derive(Debug)]
pub struct TestHub {
    pub address: SocketAddr,
    pub directory: Arc<TempDir>,
    client: reqwest::Client,
    stop: oneshot::Sender<()>,
    running: JoinHandle<std::io::Result<()>>,
}

impl TestHub {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::in_directory(Arc::new(TempDir::new().unwrap()), settings).await
    }

    pub async fn in_directory(directory: Arc<TempDir>, settings: &[(&str, &str)]) -> Self {
        let config = config(directory.path(), settings);
        Self::serve(directory, &config).await
    }

    /// With settings that no environment variable has, such as deadlines below a second.
    pub async fn tuned(tune: impl FnOnce(&mut Config)) -> Self {
        let directory = Arc::new(TempDir::new().unwrap());
        let mut config = config(directory.path(), &[]);
        tune(&mut config);
        Self::serve(directory, &config).await
    }

    /// As an operator's hub does, prompts wait for the nodes that were here before a restart.
    pub async fn after_a_restart(directory: Arc<TempDir>) -> Self {
        let mut config = config(directory.path(), &[]);
        config.dispatch.nodes_return_within = Duration::from_secs(15);
        Self::serve(directory, &config).await
    }

    async fn serve(directory: Arc<TempDir>, config: &Config) -> Self {
        let server = Server::start(config).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        Self {
            address: server.address(),
            directory,
            client: super::http::client(),
            stop,
            running: tokio::spawn(server.run(async {
                let _ = stopped.await;
            })),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn node_url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> reqwest::Response {
        let request = self.client.post(self.url(path));
        request
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap()
    }

    pub async fn chat(&self, body: &Value) -> reqwest::Response {
        self.post("/v1/chat/completions", body).await
    }

    pub async fn stats(&self) -> Stats {
        serde_json::from_slice(&self.get("/api/stats").await.bytes().await.unwrap()).unwrap()
    }

    /// Waits until the statistics are as wished: what they tell follows events a moment later.
    pub async fn stats_when(&self, wished: impl Fn(&Stats) -> bool) -> Stats {
        let mut stats = self.stats().await;
        for _ in 0..500 {
            if wished(&stats) {
                return stats;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            stats = self.stats().await;
        }
        panic!("the statistics never became what was wished for: {stats:#?}");
    }

    /// Waits until `/v1/models` lists so many models.
    pub async fn models_when(&self, wished: usize) {
        for _ in 0..500 {
            let list = self.get("/v1/models").await.bytes().await.unwrap();
            let list: Value = serde_json::from_slice(&list).unwrap();
            if list["data"].as_array().unwrap().len() == wished {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the list never had {wished} models");
    }

    /// Stops as on SIGTERM, and gives the directory back for a hub that comes after it.
    pub async fn stop(self) -> Arc<TempDir> {
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap();
        self.directory
    }
}

/// The router alone, for requests that need neither a socket nor a node.
pub fn router_with(directory: &Path, settings: &[(&str, &str)]) -> Router {
    let config = config(directory, settings);
    let catalogue = Arc::new(models::catalogue().unwrap());
    let store = Store::start(StoreSettings::new(config.database_path.clone())).unwrap();
    let keys = Keys::start(&store);
    let recorder = Arc::new(keys.settling(Arc::new(store.recorder())));
    let dispatcher = Dispatcher::start(config.dispatch.clone(), &catalogue, recorder);
    let admin = Admin::new(&config, store.admin()).unwrap();
    let reader = store.reader();
    let metrics = Metrics::new(&catalogue);
    let hub = Hub::new(&config, catalogue, dispatcher, reader, keys, admin, metrics);
    router(hub, config.static_directory.as_deref())
}

pub fn config(directory: &Path, settings: &[(&str, &str)]) -> Config {
    let mut config = Config::read(|name| {
        let given = settings
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.into());
        given.or_else(|| match name {
            "PORT" => Some("0".into()),
            "HOME" => Some(directory.into()),
            "DATABASE_PATH" => Some(directory.join("hub.sqlite").into()),
            _ => None,
        })
    })
    .unwrap_or_else(|errors| panic!("{errors:?}"));
    // Whoever has no node is told at once, after a restart as well.
    config.dispatch.nodes_return_within = Duration::ZERO;
    config
}
