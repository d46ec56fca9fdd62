//! One source's turn: from what is there to the whole file, with several connections if need be.

use reqwest::{
    Response, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_RANGE, HeaderMap, RANGE},
};

use super::{Checksum, DownloadError, Downloader, SourceFailure, part::Part};
use crate::progress::{Audience, Progress};

#[derive(Debug)]
pub(super) struct Attempt<'a> {
    downloader: &'a Downloader,
    url: &'a str,
    id: &'a str,
    checksum: &'a Checksum,
    progress: Progress,
}

/// How a connection ended.
enum Broken {
    Failure(SourceFailure),
    /// What is there can't be gone on with: once more, from the beginning.
    CannotResume,
    Local(DownloadError),
}

impl From<DownloadError> for Broken {
    fn from(error: DownloadError) -> Self {
        Self::Local(error)
    }
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        downloader: &'a Downloader,
        url: &'a str,
        id: &'a str,
        checksum: &'a Checksum,
        audience: Audience,
    ) -> Self {
        Self {
            downloader,
            url,
            id,
            checksum,
            progress: Progress::new(audience),
        }
    }

    /// `Ok(Ok(()))` where the whole file is there and is the right one. The outer error concerns
    /// this machine, and no other source can help.
    pub(super) async fn run(
        mut self,
        part: &mut Part,
    ) -> Result<Result<(), SourceFailure>, DownloadError> {
        if part.length > self.checksum.bytes {
            part.start_over().await?;
        }
        loop {
            let found = part.length;
            if let Err(failure) = self.complete(part).await? {
                return Ok(Err(failure));
            }
            if part.sha256().await? == self.checksum.sha256 {
                return Ok(Ok(()));
            }
            part.start_over().await?;
            // What was there before may have been the wrong part of it.
            if found == 0 {
                return Ok(Err(SourceFailure::WrongChecksum));
            }
        }
    }

    /// Connects until all bytes are there. A source that has given some is asked again, and then
    /// with patience: networks come back.
    async fn complete(
        &mut self,
        part: &mut Part,
    ) -> Result<Result<(), SourceFailure>, DownloadError> {
        let patience = self.downloader.patience;
        let (mut attempts, mut pause) = (1, patience.pause);
        let mut started_over = false;
        while part.length < self.checksum.bytes {
            part.check_room(self.checksum.bytes)?;
            let before = part.length;
            let failure = match self.connect(part).await {
                Ok(()) => continue,
                Err(Broken::CannotResume) if before > 0 && !started_over => {
                    started_over = true;
                    part.start_over().await?;
                    continue;
                }
                Err(Broken::CannotResume) => SourceFailure::OtherSize,
                Err(Broken::Failure(failure)) => failure,
                Err(Broken::Local(error)) => return Err(error),
            };
            // A thousand connections are the most that a file is worth.
            if part.length.saturating_sub(before) > self.checksum.bytes / 1000 {
                (attempts, pause) = (patience.attempts, patience.pause);
            } else {
                attempts -= 1;
            }
            if attempts == 0 || failure == SourceFailure::OtherSize {
                return Ok(Err(failure));
            }
            tracing::debug!("{}: {failure:?}, trying again", self.url);
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Ok(Ok(()))
    }

    /// Appends what one connection gives.
    async fn connect(&mut self, part: &mut Part) -> Result<(), Broken> {
        let mut request = self.downloader.http.get(self.url);
        // As it is: what a proxy packs has other ranges.
        request = request.header(ACCEPT_ENCODING, "identity");
        if part.length > 0 {
            request = request.header(RANGE, format!("bytes={}-", part.length));
        }
        let response = request.send().await.map_err(|error| failed(&error))?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => self.check_range(response.headers(), part.length)?,
            StatusCode::OK => {
                let length = response.content_length();
                if length.is_some_and(|bytes| bytes != self.checksum.bytes) {
                    return Err(Broken::Failure(SourceFailure::OtherSize));
                }
                // All of it, whatever was asked for.
                part.start_over().await?;
            }
            StatusCode::RANGE_NOT_SATISFIABLE => return Err(Broken::CannotResume),
            status => return Err(Broken::Failure(SourceFailure::Status(status.as_u16()))),
        }
        part.seek_to_end().await?;
        let received = self.receive(response, part).await;
        part.flush().await?;
        received
    }

    async fn receive(&mut self, mut response: Response, part: &mut Part) -> Result<(), Broken> {
        let (language, id, total) = (self.downloader.language, self.id, self.checksum.bytes);
        while let Some(bytes) = response.chunk().await.map_err(|error| failed(&error))? {
            if part.length + bytes.len() as u64 > total {
                part.start_over().await?;
                return Err(Broken::Failure(SourceFailure::OtherSize));
            }
            part.append(&bytes).await?;
            let done = part.length;
            self.progress
                .show(|| language.download_progress(id, done, total));
        }
        if part.length < total {
            return Err(Broken::Failure(SourceFailure::BrokenOff));
        }
        Ok(())
    }

    /// As in `bytes 100-199/200`.
    fn check_range(&self, headers: &HeaderMap, wanted: u64) -> Result<(), Broken> {
        let range = headers
            .get(CONTENT_RANGE)
            .and_then(|range| range.to_str().ok());
        let parsed = range.and_then(|range| {
            let (from, rest) = range.strip_prefix("bytes ")?.split_once('-')?;
            let total = rest.split_once('/')?.1;
            Some((from.parse::<u64>().ok()?, total.parse::<u64>().ok()))
        });
        match parsed {
            Some((from, total)) if from == wanted => match total {
                Some(total) if total != self.checksum.bytes => {
                    Err(Broken::Failure(SourceFailure::OtherSize))
                }
                _ => Ok(()),
            },
            _ => Err(Broken::CannotResume),
        }
    }
}

fn failed(error: &reqwest::Error) -> Broken {
    tracing::debug!("{error:?}");
    Broken::Failure(if error.is_timeout() {
        SourceFailure::Silent
    } else if error.is_connect() {
        SourceFailure::Unreachable
    } else {
        SourceFailure::BrokenOff
    })
}
