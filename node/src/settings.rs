//! What the page tells the node: `ConnectSettings` of `wasm.ts`, and what changes of it later.

use std::cell::Cell;

use engine::{ModelInfo, Tuning};
use node_core::RUNTIME;
use protocol::{Device, Hello, NodeKind, NodeModel, Owner, PROTOCOL_VERSION};
use serde::Deserialize;

use crate::clock::scope;
use crate::loading::Wish;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoadOptions {
    pub(crate) threads: usize,
    pub(crate) context_length: usize,
    pub(crate) compute: Wish,
    /// What the GPU is called, where the page knows: browsers tell the engine next to nothing.
    pub(crate) adapter: Option<String>,
    #[serde(default)]
    pub(crate) tuning: Tuning,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConnectSettings {
    pub(crate) hub_url: String,
    pub(crate) name: String,
    pub(crate) model_id: String,
    pub(crate) digest: String,
    pub(crate) owner: Owner,
    pub(crate) only_own: bool,
    pub(crate) paused: bool,
    pub(crate) tab_hidden: bool,
}

impl ConnectSettings {
    /// `gpu`: the adapter that computes at this moment.
    pub(crate) fn hello(&self, model: &ModelInfo, gpu: Option<String>, wishes: &Wishes) -> Hello {
        let model = NodeModel {
            id: self.model_id.clone(),
            digest: Some(self.digest.clone()),
            quantisation: Some(model.quantisation.clone()),
            parameters: Some(model.parameters),
            context_length: u32::try_from(model.context_length).unwrap_or(u32::MAX),
            runtime: RUNTIME.to_owned(),
        };
        Hello {
            protocol_version: PROTOCOL_VERSION,
            kind: NodeKind::Browser,
            name: self.name.clone(),
            software: concat!("kipina-tab ", env!("CARGO_PKG_VERSION")).to_owned(),
            key: None,
            owner: Some(self.owner.clone()),
            only_own: wishes.only_own.get(),
            paused: wishes.paused.get(),
            models: vec![model],
            slots: 1,
            device: Device {
                cores: Some(scope().navigator().hardware_concurrency() as u32),
                webgpu: gpu,
                ..Device::default()
            },
        }
    }
}

/// What the person at the page wants at this moment.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) paused: Cell<bool>,
    pub(crate) only_own: Cell<bool>,
    pub(crate) tab_hidden: Cell<bool>,
}
