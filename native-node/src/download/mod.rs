//! Fetches models that are not on the disk: from the hub if it has them, else from Hugging Face.
//!
//! A model is its checksum: whatever source a half-fetched file comes from, any source may go on
//! with it, and what does not have the checksum in the end is thrown away. That is why resuming
//! asks for nothing but a range.

mod part;
mod sources;
mod transfer;

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use protocol::CatalogueModel;
use reqwest::{Client, redirect};
use rustls::ClientConfig;

use self::{
    part::{Opened, Part},
    transfer::Attempt,
};
use crate::{
    backend::http, config::ModelSources, error::NodeError, language::Language, progress::Audience,
};

pub use self::sources::Checksum;

/// How much a source is put up with.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Without a byte for so long, a connection counts as broken.
    pub silence: Duration,
    /// Between two attempts; it doubles each time.
    pub pause: Duration,
    /// Attempts in a row without a byte, at a source that has given some before.
    pub attempts: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(30),
            pause: Duration::from_secs(1),
            attempts: 6,
        }
    }
}

/// Why a model could not be had. In words: `Language::download_error`.
#[derive(Debug)]
pub enum DownloadError {
    /// Neither the catalogue nor Hugging Face tells what the file must be.
    NoChecksum,
    DiskFull {
        folder: PathBuf,
        needed_bytes: u64,
        free_bytes: u64,
    },
    Disk {
        path: PathBuf,
        reason: io::Error,
    },
    /// No source had it; the file's place, for people who have it from elsewhere.
    NoSource {
        path: PathBuf,
    },
}

/// Why one source did not do. In words: `Language::source_failure`.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceFailure {
    Unreachable,
    Status(u16),
    BrokenOff,
    Silent,
    /// It has a file of another size.
    OtherSize,
    WrongChecksum,
}

#[derive(Clone, Debug)]
pub struct Downloader {
    http: Client,
    /// Hugging Face tells a file's checksum on the way to where the file is.
    without_redirects: Client,
    sources: ModelSources,
    patience: Patience,
    language: Language,
}

impl Downloader {
    pub fn new(
        sources: ModelSources,
        patience: Patience,
        tls: &ClientConfig,
        language: Language,
    ) -> Result<Self, NodeError> {
        let wrong = |error: reqwest::Error| NodeError::Tls {
            reason: error.to_string(),
        };
        let client = || http::client(tls).read_timeout(patience.silence);
        Ok(Self {
            http: client().build().map_err(wrong)?,
            without_redirects: client()
                .redirect(redirect::Policy::none())
                .build()
                .map_err(wrong)?,
            sources,
            patience,
            language,
        })
    }

    /// Puts the model's file into the folder, and returns its path. What has come so far stays
    /// there when this is dropped, and is gone on with.
    pub async fn fetch(
        &self,
        model: &CatalogueModel,
        folder: &Path,
        audience: Audience,
    ) -> Result<PathBuf, DownloadError> {
        let path = folder.join(&model.file);
        let checksum = match Checksum::of_catalogue(model) {
            Some(checksum) => checksum,
            None => self.ask_checksum(model).await?,
        };
        let made = tokio::fs::create_dir_all(folder).await;
        made.map_err(|error| disk(folder, error))?;
        let waiting = || tracing::info!("{}", self.language.download_elsewhere(&model.id));
        let mut part = match Part::open(&path, waiting).await? {
            Opened::Ours(part) => part,
            Opened::AlreadyThere => return Ok(path),
        };
        tracing::info!(
            "{}",
            self.language
                .downloading(&model.id, checksum.bytes, &model.licence)
        );
        for url in self.urls(model) {
            let attempt = Attempt::new(self, &url, &model.id, &checksum, audience);
            match attempt.run(&mut part).await? {
                Ok(()) => {
                    part.rename(&path).await?;
                    tracing::info!("{}", self.language.downloaded(&path.display().to_string()));
                    return Ok(path);
                }
                Err(failure) => {
                    tracing::warn!("{}", self.language.source_failed(&url, &failure));
                }
            }
        }
        Err(DownloadError::NoSource { path })
    }
}

fn disk(path: &Path, reason: io::Error) -> DownloadError {
    DownloadError::Disk {
        path: path.to_owned(),
        reason,
    }
}
