//! The models that the engine offers: found on the disk, fetched where they are missing, and told
//! to the hub whether they are in memory or not.

use std::{
    collections::VecDeque,
    fs::File,
    io::BufReader,
    sync::Arc,
    time::{Duration, Instant},
};

use ::engine::{Engine, EngineError, ModelHead};
use node_core::RUNTIME;
use protocol::{CatalogueModel, NodeModel};
use tokio::sync::watch;

use super::{
    context_length,
    model_file::ModelFile,
    stock::{Defect, Offered, Stock},
};
use crate::{
    config::{EngineSettings, ModelChoice},
    download::Downloader,
    error::NodeError,
    language::Language,
    progress::Audience,
};

/// Before a model is asked for again that no source had.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(super) struct Supply {
    settings: EngineSettings,
    downloader: Downloader,
    language: Language,
    stock: watch::Sender<Stock>,
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
            stock: watch::Sender::new(Stock::default()),
        }
    }

    pub(super) fn offered(&self) -> Vec<Offered> {
        self.stock.borrow().offered().to_vec()
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
            if self.stock.borrow().knows(&model.id) {
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

    /// Offers no more what could not be loaded, until the file is another: see `look_again`.
    pub(super) fn withdraw(&self, file: &Arc<ModelFile>, error: &EngineError) {
        let (why, now) = (Defect::of(error), Instant::now());
        let mut was_offered = false;
        self.stock
            .send_modify(|stock| was_offered = stock.withdraw(file, why, now));
        if was_offered {
            self.warn_of_withdrawn(file, error);
        }
    }

    /// Offers again what was withdrawn and may have been mended.
    pub(super) async fn look_again(&self) {
        // A copy: nobody waits for the stock while the disk is asked.
        let stock = self.stock.borrow().clone();
        for file in stock.worth_another_look(Instant::now(), |file| self.now(file)) {
            match self.inspect(file.clone()).await {
                Ok(offered) => self.stock.send_modify(|stock| {
                    stock.offer(offered);
                }),
                Err(error) => {
                    self.warn_of_withdrawn(&file, &error);
                    let (file, why) = (Arc::new(file), Defect::of(&error));
                    self.stock
                        .send_modify(|stock| stock.disappoint(&file, why, Instant::now()));
                }
            }
        }
    }

    fn warn_of_withdrawn(&self, file: &ModelFile, error: &EngineError) {
        let path = file.path.display().to_string();
        tracing::warn!(
            "{}",
            self.language.model_withdrawn(&path, &error.to_string())
        );
    }

    /// What stands in a file's place at this moment.
    fn now(&self, file: &ModelFile) -> Option<ModelFile> {
        let known = self.settings.catalogue.find(&file.id);
        let known = known.and_then(|model| self.on_disk(model));
        let known = known.filter(|known| known.path == file.path);
        known.or_else(|| ModelFile::of_owner(&file.path).ok())
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
        let path = file.path.display().to_string();
        let offered = self.inspect(file).await;
        let offered = offered.map_err(|error| NodeError::ModelUnusable {
            path,
            reason: error.to_string(),
        })?;
        self.stock.send_modify(|stock| {
            stock.offer(offered);
        });
        Ok(())
    }

    /// Reads the file's head, for all that the hub is told of a model.
    async fn inspect(&self, file: ModelFile) -> Result<Offered, EngineError> {
        let path = file.path.clone();
        let inspected = tokio::task::spawn_blocking(move || {
            let mut reader = BufReader::new(File::open(path)?);
            Engine::inspect(&mut reader)
        });
        let head: ModelHead = inspected
            .await
            .map_err(|error| EngineError::InvalidModel(error.to_string()))??;
        let context_length = context_length(&self.settings).min(head.trained_context);
        let advertised = NodeModel {
            id: file.id.clone(),
            digest: file.digest.clone(),
            quantisation: Some(head.quantisation),
            parameters: Some(head.parameters),
            context_length: u32::try_from(context_length).unwrap_or(u32::MAX),
            runtime: RUNTIME.to_owned(),
        };
        Ok(Offered {
            file: Arc::new(file),
            advertised,
        })
    }
}
