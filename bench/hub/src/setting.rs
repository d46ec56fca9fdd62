//! A fresh hub with fake nodes: what most measurements begin with.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{
    node::{FakeNode, Pace},
    process::HubProcess,
};

/// Limits that protect a public hub from one address, and would be measured in place of the hub.
const ONE_ADDRESS_MAY: [(&str, &str); 5] = [
    ("MAX_CONNECTIONS", "1000000"),
    ("HTTP_CONNECTIONS_PER_ADDRESS", "1000000"),
    ("CONNECTIONS_PER_ADDRESS", "1000000"),
    ("BROWSERS_PER_ADDRESS", "1000000"),
    ("QUEUE_LENGTH", "100000"),
];

/// More nodes from one address would run out of ports.
const NODES_PER_ADDRESS: u32 = 2000;

#[derive(Debug)]
pub struct Setting {
    pub hub: HubProcess,
    pub nodes: Vec<JoinHandle<()>>,
    pub folder: TempDir,
}

impl Setting {
    pub fn hub(program: &Path) -> anyhow::Result<Self> {
        Self::in_folder(program, TempDir::new()?, &[])
    }

    pub fn in_folder(
        program: &Path,
        folder: TempDir,
        more: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let settings = [&ONE_ADDRESS_MAY[..], more].concat();
        Ok(Self {
            hub: HubProcess::start(program, folder.path(), &settings)?,
            nodes: Vec::new(),
            folder,
        })
    }

    pub async fn with_nodes(
        program: &Path,
        nodes: u32,
        slots: u32,
        pace: Pace,
    ) -> anyhow::Result<Self> {
        let mut setting = Self::hub(program)?;
        setting.join(nodes, slots, pace).await?;
        Ok(setting)
    }

    /// Has so many more nodes join, one after the other.
    pub async fn join(&mut self, nodes: u32, slots: u32, pace: Pace) -> anyhow::Result<()> {
        let first = u32::try_from(self.nodes.len())?;
        for number in first..first + nodes {
            let mut node = FakeNode::new(number, slots, pace);
            node.source = Some(source(number / NODES_PER_ADDRESS));
            self.nodes.push(node.join(self.hub.address).await?);
        }
        Ok(())
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        self.nodes.iter().for_each(JoinHandle::abort);
    }
}

/// One of this machine's own addresses: 127.0.0.2 and on.
pub fn source(number: u32) -> IpAddr {
    let loopback = u32::from(Ipv4Addr::LOCALHOST);
    IpAddr::V4(Ipv4Addr::from(loopback + 1 + number))
}
