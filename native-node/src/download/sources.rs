//! Where a model's file may be had, and what it must be.

use protocol::{CatalogueModel, Source};
use reqwest::header::{HeaderMap, HeaderName};

use super::{DownloadError, Downloader};

#[derive(Clone, Debug, PartialEq)]
pub struct Checksum {
    /// 64 hexadecimal digits.
    pub sha256: String,
    pub bytes: u64,
}

impl Checksum {
    pub fn of_catalogue(model: &CatalogueModel) -> Option<Self> {
        Some(Self {
            sha256: model.sha256.clone()?,
            bytes: model.bytes?,
        })
    }

    fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &'static str| headers.get(HeaderName::from_static(name))?.to_str().ok();
        let sha256 = text("x-linked-etag")?.trim_matches('"').to_lowercase();
        let is_sha256 = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(Self {
            bytes: text("x-linked-size")?.parse().ok()?,
            sha256: is_sha256.then_some(sha256)?,
        })
    }
}

impl Downloader {
    /// Best first. Wheels that hold a model in pieces are left to scripts/fetch-model.sh: they
    /// are for machines that reach a package index and nothing else.
    pub(super) fn urls(&self, model: &CatalogueModel) -> Vec<String> {
        let hub = self.sources.hub.as_ref();
        let hub = hub.map(|hub| hub.join(&format!("/models/{}", model.file)));
        hub.into_iter().chain(self.hugging_face(model)).collect()
    }

    fn hugging_face<'a>(&'a self, model: &'a CatalogueModel) -> impl Iterator<Item = String> + 'a {
        model.sources.iter().filter_map(|source| match source {
            Source::HuggingFace { repository, file } => {
                let route = format!("/{repository}/resolve/main/{file}");
                Some(self.sources.hugging_face.join(&route))
            }
            Source::Pypi { .. } | Source::Ollama { .. } => None,
        })
    }

    /// For a model without a checksum in the catalogue. The hub is not asked: it has the same
    /// catalogue, and no better word for the file that it happens to have.
    pub(super) async fn ask_checksum(
        &self,
        model: &CatalogueModel,
    ) -> Result<Checksum, DownloadError> {
        for url in self.hugging_face(model) {
            let answer = self.without_redirects.head(url).send().await;
            let checksum = answer.ok().and_then(|answer| {
                let moved_or_here =
                    answer.status().is_redirection() || answer.status().is_success();
                Checksum::of_headers(answer.headers()).filter(|_| moved_or_here)
            });
            if let Some(checksum) = checksum {
                return Ok(checksum);
            }
        }
        Err(DownloadError::NoChecksum)
    }
}
