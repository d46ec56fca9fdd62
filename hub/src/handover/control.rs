//! The socket next to the database, and the few words that two hubs exchange there.

use std::{
    ffi::OsString,
    fs, io,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    time::timeout,
};

use super::descriptor;

/// A new process asks for the listening socket, and names the version of this conversation.
const ASKS: &[u8; 8] = b"listen1\n";

/// It accepts connections by now.
const SERVES: &[u8; 8] = b"serves1\n";

/// For each word of the conversation.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a hub can be asked for its place.
#[derive(Debug)]
pub(super) struct Control {
    path: PathBuf,
    socket: UnixListener,
    listener: TcpListener,
}

/// The process that serves now; it hears when this one does.
#[derive(Debug)]
pub struct Predecessor {
    listener: Option<tokio::net::TcpListener>,
    stream: UnixStream,
}

/// The process that serves from now on.
#[derive(Debug)]
pub(crate) struct Successor {
    pub(super) stream: UnixStream,
}

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("no hub that runs on this database answers at {}: {error}", path.display())]
    Nobody { path: PathBuf, error: io::Error },
    #[error("the hub that runs did not hand its socket over: {0}")]
    Refused(io::Error),
}

impl Control {
    /// `listener`: what is handed over. `is_successor`: whether the hub that answers there now gives its place up.
    pub(super) fn new(
        database: &Path,
        listener: TcpListener,
        is_successor: bool,
    ) -> io::Result<Self> {
        let path = path(database);
        if !is_successor && is_running(database) {
            return Err(io::Error::other("another hub runs on this database"));
        }
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            path,
            socket,
            listener,
        })
    }

    /// Waits until another process serves in this one's place. One that fails half-way changes nothing.
    pub(super) async fn replaced(&self) -> Successor {
        loop {
            match self.converse().await {
                Ok(successor) => return successor,
                Err(error) => {
                    tracing::warn!("a process that wanted to take over did not: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Where this hub ends and nobody follows it, nobody is to be asked there.
    pub(super) fn close(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!("{}: {error}", self.path.display());
        }
    }

    async fn converse(&self) -> io::Result<Successor> {
        let (mut stream, _) = self.socket.accept().await?;
        // The file's mode keeps strangers out; for a moment after it was made, this does.
        let peer = stream.peer_cred()?.uid();
        if peer != rustix::process::geteuid().as_raw() {
            return Err(io::Error::other(format!(
                "it runs as another user ({peer})"
            )));
        }
        hear(&mut stream, ASKS).await?;
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        descriptor::send(&stream, &self.listener)?;
        stream.set_nonblocking(true)?;
        let mut stream = UnixStream::from_std(stream)?;
        hear(&mut stream, SERVES).await?;
        Ok(Successor { stream })
    }
}

/// Whether a hub runs on this database.
pub fn is_running(database: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(path(database)).is_ok()
}

/// Asks the hub that runs on this database for its listening socket.
pub async fn ask(database: &Path) -> Result<Predecessor, AskError> {
    let path = path(database);
    let mut stream = UnixStream::connect(&path)
        .await
        .map_err(|error| AskError::Nobody { path, error })?;
    let asked = async {
        stream.write_all(ASKS).await?;
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let received = tokio::task::spawn_blocking(move || {
            let listener = descriptor::receive(&stream)?;
            Ok::<_, io::Error>((listener, stream))
        });
        let (listener, stream) = received.await.map_err(io::Error::other)??;
        listener.set_nonblocking(true)?;
        stream.set_nonblocking(true)?;
        Ok::<_, io::Error>(Predecessor {
            listener: Some(tokio::net::TcpListener::from_std(listener)?),
            stream: UnixStream::from_std(stream)?,
        })
    };
    asked.await.map_err(AskError::Refused)
}

impl Predecessor {
    /// Its socket, to accept connections from.
    pub(crate) fn take_listener(&mut self) -> io::Result<tokio::net::TcpListener> {
        let taken = || io::Error::other("its listening socket is taken already");
        self.listener.take().ok_or_else(taken)
    }

    /// Tells it that connections are accepted here. What it passes on comes from the stream, which ends with it.
    pub(super) async fn relieve(mut self) -> io::Result<UnixStream> {
        self.stream.write_all(SERVES).await?;
        Ok(self.stream)
    }
}

async fn hear(stream: &mut UnixStream, expected: &[u8; 8]) -> io::Result<()> {
    let mut word = [0; 8];
    timeout(PATIENCE, stream.read_exact(&mut word)).await??;
    if word != *expected {
        return Err(io::Error::other("it speaks another version's language"));
    }
    Ok(())
}

fn path(database: &Path) -> PathBuf {
    let mut name = OsString::from(database.as_os_str());
    name.push(".handover");
    name.into()
}
