//! The models that the backend has at this moment, for every connection to see.

use std::{sync::Arc, time::Duration};

use protocol::NodeModel;
use tokio::sync::{Notify, watch};

use crate::{backend::Backend, language::Language, status::Status};

/// How often a backend is asked.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Often enough that a model that was just pulled is soon used.
    pub usual: Duration,
    /// A backend that is being restarted is back within seconds.
    pub while_lost: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            usual: Duration::from_secs(30),
            while_lost: Duration::from_secs(2),
        }
    }
}

/// Asks the backend now, and again and again as long as anybody listens; at once when
/// `look_again` is rung.
pub async fn watch(
    backend: Arc<dyn Backend>,
    pace: Pace,
    look_again: Arc<Notify>,
    language: Language,
    status: Status,
) -> watch::Receiver<Vec<NodeModel>> {
    let mut list = List {
        backend,
        language,
        status,
        is_lost: false,
    };
    let (sender, receiver) = watch::channel(list.look().await);
    tokio::spawn(async move {
        loop {
            let pause = if list.is_lost {
                pace.while_lost
            } else {
                pace.usual
            };
            tokio::select! {
                () = sender.closed() => return,
                () = look_again.notified(), if !list.is_lost => {}
                () = tokio::time::sleep(pause) => {}
            }
            let models = list.look().await;
            sender.send_if_modified(|current| {
                let changed = *current != models;
                if changed {
                    tracing::info!("{}", language.models_changed(&ids(&models)));
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

struct List {
    backend: Arc<dyn Backend>,
    language: Language,
    status: Status,
    is_lost: bool,
}

impl List {
    /// A backend that does not answer has no models: the hub must send it no prompts.
    async fn look(&mut self) -> Vec<NodeModel> {
        let answer = self.backend.models().await;
        let was_lost = std::mem::replace(&mut self.is_lost, answer.is_err());
        let models = answer.unwrap_or_else(|failure| {
            if !was_lost {
                tracing::warn!("{}", self.language.backend_lost(&failure.message));
                self.status.backend_lost(&failure.message);
            }
            Vec::new()
        });
        self.status.models(ids(&models));
        models
    }
}
