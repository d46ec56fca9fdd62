//! A file that is being fetched: one program at a time writes it, and what has come is kept.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::{DownloadError, disk};

/// How often the lock is tried again that another program holds.
const LOCK_INTERVAL: Duration = Duration::from_millis(500);

/// Bytes that are hashed at a time.
const HASHED_AT_ONCE: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    /// The same open file twice: the system's lock on it ends with both.
    locked: File,
    writer: tokio::fs::File,
    pub(super) length: u64,
}

#[derive(Debug)]
pub(super) enum Opened {
    Ours(Part),
    /// Somebody else finished it first.
    AlreadyThere,
}

impl Part {
    /// Opens or begins what becomes `finished`; `waiting` is called once where another program
    /// is fetching it.
    pub(super) async fn open(
        finished: &Path,
        waiting: impl FnOnce(),
    ) -> Result<Opened, DownloadError> {
        // Not the name that scripts/fetch-model.sh uses, which knows nothing of this lock.
        let mut name = finished.as_os_str().to_owned();
        name.push(".node.part");
        let path = PathBuf::from(name);
        let mut waiting = Some(waiting);
        loop {
            let wrong = |error| disk(&path, error);
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(wrong)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    if let Some(waiting) = waiting.take() {
                        waiting();
                    }
                    tokio::time::sleep(LOCK_INTERVAL).await;
                    continue;
                }
                // Some network drives have no locks; then the checksum alone guards the file.
                Err(TryLockError::Error(error)) => tracing::debug!("no lock: {error}"),
            }
            if finished.exists() {
                // What was opened is either the finished file itself or a new, empty one.
                let _ = fs::remove_file(&path);
                return Ok(Opened::AlreadyThere);
            }
            let length = file.metadata().map_err(wrong)?.len();
            let writer = tokio::fs::File::from_std(file.try_clone().map_err(wrong)?);
            return Ok(Opened::Ours(Self {
                path,
                locked: file,
                writer,
                length,
            }));
        }
    }

    /// Fails early, and clearly, where the rest has no room.
    pub(super) fn check_room(&self, bytes: u64) -> Result<(), DownloadError> {
        let needed_bytes = bytes.saturating_sub(self.length);
        let folder = self.path.parent().unwrap_or(Path::new("."));
        match fs4::available_space(folder) {
            Ok(free_bytes) if free_bytes < needed_bytes => Err(DownloadError::DiskFull {
                folder: folder.to_owned(),
                needed_bytes,
                free_bytes,
            }),
            // A system that does not tell will say so when it is full.
            _ => Ok(()),
        }
    }

    pub(super) async fn start_over(&mut self) -> Result<(), DownloadError> {
        let emptied = self.writer.set_len(0).await;
        self.length = 0;
        emptied.map_err(|error| disk(&self.path, error))
    }

    /// Where the next `append` goes on: the end.
    pub(super) async fn seek_to_end(&mut self) -> Result<(), DownloadError> {
        let sought = self.writer.seek(SeekFrom::Start(self.length)).await;
        sought.map(drop).map_err(|error| disk(&self.path, error))
    }

    pub(super) async fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        match self.writer.write_all(bytes).await {
            Ok(()) => {
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(error) => Err(self.unwritten(error)),
        }
    }

    /// Waits until all is in the file.
    pub(super) async fn flush(&mut self) -> Result<(), DownloadError> {
        let flushed = self.writer.flush().await;
        flushed.map_err(|error| self.unwritten(error))
    }

    fn unwritten(&self, error: io::Error) -> DownloadError {
        if error.kind() != io::ErrorKind::StorageFull {
            return disk(&self.path, error);
        }
        // A machine whose disk is full has other worries than half a model.
        let _ = fs::remove_file(&self.path);
        DownloadError::DiskFull {
            folder: self.path.parent().unwrap_or(Path::new(".")).to_owned(),
            needed_bytes: self.length,
            free_bytes: 0,
        }
    }

    /// Of all that is in the file, as hexadecimal digits.
    pub(super) async fn sha256(&self) -> Result<String, DownloadError> {
        let hashed = async {
            let mut file = self.locked.try_clone()?;
            // Seconds for a large model: not on a thread that others wait for.
            tokio::task::spawn_blocking(move || hash(&mut file)).await?
        };
        hashed.await.map_err(|error| disk(&self.path, error))
    }

    pub(super) async fn rename(self, finished: &Path) -> Result<(), DownloadError> {
        let done = async {
            // On the disk before it has its name: a power cut must not leave half a model.
            self.writer.sync_all().await?;
            tokio::fs::rename(&self.path, finished).await
        };
        done.await.map_err(|error| disk(finished, error))
    }
}

fn hash(file: &mut File) -> io::Result<String> {
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; HASHED_AT_ONCE];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    let digest = hasher.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
