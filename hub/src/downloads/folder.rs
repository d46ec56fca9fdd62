//! `DOWNLOADS_DIR`: read anew when it changes, and never left.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use super::list::Download;

pub(super) const LIST: &str = "SHA256SUMS";
pub(super) const SIGNATURE: &str = "SHA256SUMS.sig";
pub(super) const PUBLIC_KEY: &str = "kipina.pub";

/// A folder of released programs, with what was last read of it. A clone shares both.
#[derive(Clone, Debug)]
pub struct Downloads {
    folder: Option<Arc<Path>>,
    read: Arc<Mutex<Read>>,
}

/// What the list and the key said when they had these stamps.
#[derive(Debug, Default)]
struct Read {
    stamps: [Option<Stamp>; 2],
    release: Arc<Release>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Release {
    pub(super) downloads: Vec<Download>,
    /// The public key's base64 on one line, and nothing else.
    pub(super) key: Option<String>,
}

impl Downloads {
    /// Without a folder, and in one that is not there, nothing is to be had.
    pub fn new(folder: Option<&Path>) -> Self {
        Self {
            folder: folder.map(Into::into),
            read: Arc::default(),
        }
    }

    /// Blocks on the disk.
    pub(super) fn release(&self) -> Arc<Release> {
        let Some(folder) = &self.folder else {
            return Arc::default();
        };
        let stamps = [LIST, PUBLIC_KEY].map(|name| stamp(&folder.join(name)));
        // Held by nothing that can panic half-way; what was read is whole either way.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.stamps != stamps {
            *read = Read {
                stamps,
                release: Arc::new(Release::read(self)),
            };
        }
        Arc::clone(&read.release)
    }

    /// Where a file of the folder lies; nowhere, if it is a link that leads out. Blocks on the disk.
    pub(super) fn locate(&self, name: &str) -> Option<PathBuf> {
        let folder = self.folder.as_deref()?.canonicalize().ok()?;
        let file = folder.join(name).canonicalize().ok()?;
        (file.parent() == Some(folder.as_path()) && file.is_file()).then_some(file)
    }

    /// None where there is no such file; one that can't be read is told in the log, too.
    fn text(&self, name: &str) -> Option<String> {
        let path = self.locate(name)?;
        let read = fs::read_to_string(&path);
        read.inspect_err(|error| tracing::warn!("{} can't be read: {error}", path.display()))
            .ok()
    }
}

impl Release {
    fn read(folder: &Downloads) -> Self {
        let list = folder.text(LIST).unwrap_or_default();
        let mut downloads: Vec<Download> = Vec::new();
        for (line, number) in list.lines().zip(1..) {
            match Download::parse(line) {
                Some(download) if downloads.iter().all(|it| it.file != download.file) => {
                    downloads.push(download);
                }
                _ => {
                    tracing::warn!(
                        "line {number} of the downloads' {LIST} names no release file, or one twice, \
                         and is not served; scripts/pack-downloads.sh writes the list"
                    );
                }
            }
        }
        let key = folder.text(PUBLIC_KEY).and_then(|pem| {
            let key = key_of(&pem);
            if key.is_none() {
                tracing::warn!(
                    "the downloads' {PUBLIC_KEY} is no public key (EC, P-256): scripts get none"
                );
            }
            key
        });
        Self { downloads, key }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp {
        modified: metadata.modified().ok()?,
        bytes: metadata.len(),
    })
}

/// How every public key on P-256 with an uncompressed point begins (RFC 5480), in base64.
const P256_BEGINNING: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";

/// 91 bytes of DER, in base64.
const P256_LENGTH: usize = 124;

/// The base64 within a PEM file. It goes into a script, so it must be nothing but that.
fn key_of(pem: &str) -> Option<String> {
    let body = pem
        .trim()
        .strip_prefix("-----BEGIN PUBLIC KEY-----")?
        .strip_suffix("-----END PUBLIC KEY-----")?;
    let key: String = body.split_whitespace().collect();
    let is_base64 = key
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    (is_base64 && key.len() == P256_LENGTH && key.starts_with(P256_BEGINNING)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: &str =
        "JKOiegwE/utCTQ007EsJgQRQD0nIZkN937RC+qXenLSPbI5YamYI/KgRPDg0li5oqbd+FxBHu8fIXXL7C+TZSw==";

    fn pem(key: &str) -> String {
        let (first, second) = key.split_at(64);
        format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n")
    }

    #[test]
    fn a_public_key_becomes_one_line() {
        let key = format!("{P256_BEGINNING}{POINT}");
        assert_eq!(key_of(&pem(&key)), Some(key.clone()));
        assert_eq!(key_of(&pem(&key).replace('\n', "\r\n")), Some(key));
    }

    #[test]
    fn nothing_else_gets_into_a_script() {
        let key = format!("{P256_BEGINNING}{POINT}");
        for wrong in [
            String::new(),
            key.clone(),
            pem(&key).replace("PUBLIC", "PRIVATE"),
            pem(&key.replace('+', "$")),
            pem(&key.replace('+', "\"")),
            pem(&key.replace("MFkw", "MFky")),
            pem(&format!("{key}AAAA")),
            format!("{}\n$(rm -rf ~)\n", pem(&key)),
        ] {
            assert_eq!(key_of(&wrong), None, "{wrong}");
        }
    }
}
