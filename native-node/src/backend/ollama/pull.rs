//! Sees to it that Ollama has the models that the owner wants.

use super::{client::OllamaClient, model::public_id, wire::Tag};
use crate::{
    backend::Failure,
    error::NodeError,
    language::Language,
    progress::{Audience, Progress},
};

/// Downloads what is missing: before this returns only where the node would have nothing to answer
/// with, else while it answers already.
pub(super) async fn pull_missing(
    client: &OllamaClient,
    wanted: &[String],
    tags: &[Tag],
    language: Language,
) -> Result<(), NodeError> {
    let is_here = |model: &String| {
        let id = public_id(model);
        tags.iter().any(|tag| public_id(&tag.name) == id)
    };
    let missing: Vec<String> = wanted.iter().filter(|id| !is_here(id)).cloned().collect();
    let mut missing = missing.into_iter();
    if missing.len() == wanted.len() {
        let mut first_failure = None;
        loop {
            let Some(model) = missing.next() else {
                // Better to serve what there is than nothing.
                return first_failure
                    .filter(|_| tags.is_empty())
                    .map_or(Ok(()), Err);
            };
            match pull(client, &model, Audience::Waiting, language).await {
                Ok(()) => break,
                Err(failure) => {
                    if !tags.is_empty() || missing.len() > 0 {
                        tracing::warn!("{}", language.pull_failed(&model, &failure.message));
                    }
                    first_failure.get_or_insert(NodeError::PullFailed {
                        model,
                        reason: failure.message,
                    });
                }
            }
        }
    }
    let client = client.clone();
    tokio::spawn(async move {
        for model in missing {
            if let Err(failure) = pull(&client, &model, Audience::Busy, language).await {
                tracing::warn!("{}", language.pull_failed(&model, &failure.message));
            }
        }
    });
    Ok(())
}

async fn pull(
    client: &OllamaClient,
    model: &str,
    audience: Audience,
    language: Language,
) -> Result<(), Failure> {
    tracing::info!("{}", language.pulling(model));
    let mut progress = Progress::new(audience);
    client
        .pull(model, |line| {
            // A model is one large layer and some small ones, which are not worth a line.
            if line.total >= 1_000_000 {
                progress.show(|| language.download_progress(model, line.completed, line.total));
            }
        })
        .await
}
