//! The models that the backend has at this moment, for every connection to see.

use std::{sync::Arc, time::Duration};

use protocol::NodeModel;
use tokio::sync::watch;

use crate::{backend::Backend, language::Language, status::Status};

/// How often a backend is asked: often enough that a model that was just pulled is soon used.
pub const POLL_INTERVAL: Duration = Duration::from_secs(30);

/// Asks the backend now, and again and again as long as anybody listens.
pub async fn watch(
    backend: Arc<dyn Backend>,
    interval: Duration,
    language: Language,
    status: Status,
) -> watch::Receiver<Vec<NodeModel>> {
    let models = list(&*backend, language, &status).await;
    status.models(ids(&models));
    let (sender, receiver) = watch::channel(models);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = sender.closed() => return,
                () = tokio::time::sleep(interval) => {}
            }
            let models = list(&*backend, language, &status).await;
            sender.send_if_modified(|current| {
                let changed = *current != models;
                if changed {
                    tracing::info!("{}", language.models_changed(&ids(&models)));
                    status.models(ids(&models));
                    *current = models;
                }
                changed
            });
        }
    });
    receiver
}

pub fn ids(models: &[NodeModel]) -> Vec<String> {
    models.iter().map(|model| model.id.clone()).collect()
}

/// A backend that does not answer has no models: the hub must send it no prompts.
async fn list(backend: &dyn Backend, language: Language, status: &Status) -> Vec<NodeModel> {
    backend.models().await.unwrap_or_else(|failure| {
        tracing::warn!("{}", language.backend_lost(&failure.message));
        status.backend_lost(&failure.message);
        Vec::new()
    })
}
