//! The nodes: processes of `kipina-node` with the engine, each behind a proxy of its own.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context;
use hub_bench::{client::Connection, process::signal};
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    Given,
    proxy::{Handovers, Proxy},
};

/// For programs to start and models to load on a busy machine.
const START: Duration = Duration::from_secs(180);

#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) nodes: Vec<Node>,
}

#[derive(Debug)]
pub(crate) struct Node {
    program: PathBuf,
    arguments: Vec<String>,
    home: PathBuf,
    models: PathBuf,
    child: Option<Child>,
    pub(crate) proxy: Proxy,
}

impl Fleet {
    pub(crate) async fn start(
        given: &Given,
        hub: SocketAddr,
        folder: &Path,
    ) -> anyhow::Result<(Self, Handovers)> {
        let (noted, handovers) = Handovers::new();
        let models = given
            .model_file
            .parent()
            .context("a model without a folder")?;
        let mut nodes = Vec::new();
        for number in 0..given.nodes {
            let proxy = Proxy::start(hub, noted.clone()).await?;
            let home = folder.join(format!("node-{number}"));
            std::fs::create_dir_all(&home)?;
            let arguments = [
                "--engine",
                "--model",
                crate::prompts::MODEL,
                "--threads",
                "1",
                "--status-port",
                "off",
                "--name",
                &format!("node {number}"),
                "--hub",
                &format!("ws://{}/ws", proxy.address),
            ];
            let mut node = Node {
                program: given.node.clone(),
                arguments: arguments.map(str::to_owned).to_vec(),
                home,
                models: models.to_owned(),
                child: None,
                proxy,
            };
            node.start()?;
            nodes.push(node);
        }
        Ok((Self { nodes }, handovers))
    }

    /// Until the hub has all of them.
    pub(crate) async fn wait_until_joined(&self, hub: SocketAddr) -> anyhow::Result<()> {
        let deadline = Instant::now() + START;
        while joined(hub).await? < self.nodes.len() {
            anyhow::ensure!(
                Instant::now() < deadline,
                "the nodes did not join; their logs are in their folders"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }
}

async fn joined(hub: SocketAddr) -> anyhow::Result<usize> {
    let mut connection = Connection::open(hub, None).await?;
    let stats: Value = serde_json::from_slice(&connection.get("/api/stats").await?.body)?;
    Ok(stats["nodes"].as_array().map_or(0, Vec::len))
}

impl Node {
    fn start(&mut self) -> anyhow::Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.home.join("log"))?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .env("HOME", &self.home)
            .env("MODELS_DIR", &self.models)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("kipina-node can't be started")?;
        self.child = Some(child);
        Ok(())
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    pub(crate) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    pub(crate) fn restart(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        self.start()
    }

    pub(crate) fn freeze(&self) -> anyhow::Result<()> {
        self.child
            .as_ref()
            .map_or(Ok(()), |child| signal(child, Signal::STOP))
    }

    pub(crate) fn thaw(&self) -> anyhow::Result<()> {
        self.child
            .as_ref()
            .map_or(Ok(()), |child| signal(child, Signal::CONT))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A frozen process can be killed as well.
        let _ = self.kill();
    }
}
