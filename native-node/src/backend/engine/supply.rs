//! The models that the engine offers: found on the disk, fetched where they are missing, and told
//! to the hub whether they are in memory or not.

use std::{collections::VecDeque, fs::File, io::BufReader, sync::Arc, time::Duration};

use ::engine::{Engine, EngineError, ModelHead};
use protocol::{CatalogueModel, NodeModel};
use tokio::sync::watch;

use super::{context_length, model_file::ModelFile};
use crate::{
    config::{EngineSettings, ModelChoice},
    download::Downloader,
    error::NodeError,
    language::Language,
    progress::Audience,
};

/// Before a model is asked for again that no source had.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub(super) struct Offered {
    pub(super) file: Arc<ModelFile>,
    pub(super) advertised: NodeModel,
}

#[derive(Debug)]
pub(super) struct Supply {
    settings: EngineSettings,
    downloader: Downloader,
    language: Language,
    offered: watch::Sender<Vec<Offered>>,
}

impl Supply {
    pub(super) fn new(
        settings: EngineSettings,
        downloader: Downloader,
        language: Language,
    ) -> Self {
        Self {
            settings,
            downloader,
            language,
            offered: watch::Sender::new(Vec::new()),
        }
    }

    pub(super) fn offered(&self) -> Vec<Offered> {
        self.offered.borrow().clone()
    }

    /// Offers what is on the disk, and fetches until there is something. Returns what is still
    /// missing, and the model to begin with.
    pub(super) async fn open(&self) -> Result<(Offered, VecDeque<CatalogueModel>), NodeError> {
        let mut missing = VecDeque::new();
        for choice in &self.settings.models {
            match choice {
                ModelChoice::File(path) => self.offer(ModelFile::of_owner(path)?).await?,
                ModelChoice::Catalogue(model) => match self.on_disk(model) {
                    Some(file) => self.offer(file).await?,
                    None => missing.push_back(CatalogueModel::clone(model)),
                },
            }
        }
        loop {
            if let Some(first) = self.offered().into_iter().next() {
                return Ok((first, missing));
            }
            let Some(model) = missing.pop_front() else {
                return Err(NodeError::NoModel);
            };
            if let Err(error) = self.fetch(&model, Audience::Waiting).await {
                if missing.is_empty() {
                    return Err(error);
                }
                tracing::warn!("{}", self.language.node_error(&error));
            }
        }
    }

    /// Fetches what is missing while the node answers already, for as long as it takes.
    pub(super) async fn complete(&self, mut missing: VecDeque<CatalogueModel>) {
        let mut failed = VecDeque::new();
        loop {
            while let Some(model) = missing.pop_front() {
                if let Err(error) = self.fetch(&model, Audience::Busy).await {
                    tracing::warn!("{}", self.language.node_error(&error));
                    failed.push_back(model);
                }
            }
            if failed.is_empty() {
                return;
            }
            tokio::time::sleep(ASKED_AGAIN_AFTER).await;
            missing.append(&mut failed);
        }
    }

    /// Offers those of the models that lie on this disk already: nothing is fetched on a hub's
    /// word.
    pub(super) async fn want(&self, ids: &[String]) {
        let known = ids.iter().filter_map(|id| self.settings.catalogue.find(id));
        for model in known {
            if self
                .offered()
                .iter()
                .any(|offered| offered.file.id == model.id)
            {
                continue;
            }
            // A digest stands for a whole file.
            let file = self.on_disk(model).filter(|file| file.digest.is_some());
            if let Some(file) = file
                && let Err(error) = self.offer(file).await
            {
                tracing::warn!("{}", self.language.node_error(&error));
            }
        }
    }

    fn on_disk(&self, model: &CatalogueModel) -> Option<ModelFile> {
        ModelFile::of_catalogue(model, &self.settings.models_folder)
    }

    async fn fetch(&self, model: &CatalogueModel, audience: Audience) -> Result<(), NodeError> {
        let folder = &self.settings.models_folder;
        let fetched = self.downloader.fetch(model, folder, audience).await;
        fetched.map_err(|reason| NodeError::ModelNotFetched {
            id: model.id.clone(),
            reason,
        })?;
        match self.on_disk(model) {
            Some(file) => self.offer(file).await,
            // Whoever deleted it in this moment does not want it.
            None => Ok(()),
        }
    }

    async fn offer(&self, file: ModelFile) -> Result<(), NodeError> {
        let path = file.path.clone();
        let inspected = tokio::task::spawn_blocking(move || {
            let mut reader = BufReader::new(File::open(path)?);
            Engine::inspect(&mut reader)
        });
        let unusable = |reason: String| NodeError::ModelUnusable {
            path: file.path.display().to_string(),
            reason,
        };
        let head: Result<ModelHead, EngineError> = inspected
            .await
            .map_err(|error| unusable(error.to_string()))?;
        let head = head.map_err(|error| unusable(error.to_string()))?;
        let context_length = context_length(&self.settings).min(head.trained_context);
        let advertised = NodeModel {
            id: file.id.clone(),
            digest: file.digest.clone(),
            quantisation: Some(head.quantisation),
            parameters: Some(head.parameters),
            context_length: u32::try_from(context_length).unwrap_or(u32::MAX),
            runtime: concat!("kipina-engine ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        let offered = Offered {
            file: Arc::new(file),
            advertised,
        };
        self.offered.send_if_modified(|all| {
            let known = |known: &Offered| known.advertised.id == offered.advertised.id;
            let is_new = !all.iter().any(known);
            if is_new {
                all.push(offered);
            }
            is_new
        });
        Ok(())
    }
}
