//! A client that is cheap enough to stand beside a thousand others: HTTP/1.1 over one connection, kept alive.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::stamp::now;

const READ_BYTES: usize = 16 << 10;

/// No line of a head or of a chunk's size is longer.
const LINE_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub struct Connection {
    socket: TcpStream,
    host: SocketAddr,
    unread: Vec<u8>,
}

/// A response that came to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// `x-kipina-task`, where there was one.
    pub task: Option<String>,
    /// What was left after the last event: the whole body where it is no stream of events.
    pub body: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("the connection broke: {0}")]
    Connection(#[from] std::io::Error),
    #[error("the connection ended in the middle of a response")]
    CutOff,
    #[error("the response is no HTTP/1.1 as this client knows it: {0}")]
    Http(&'static str),
}

#[derive(Default)]
struct Head {
    status: u16,
    task: Option<String>,
    length: Option<usize>,
}

impl Connection {
    /// `source`: the address on this machine that it comes from.
    pub async fn open(host: SocketAddr, source: Option<IpAddr>) -> Result<Self, AskError> {
        let socket = connect(host, source).await?;
        Ok(Self {
            socket,
            host,
            unread: Vec::with_capacity(READ_BYTES),
        })
    }

    pub async fn get(&mut self, path: &str) -> Result<Reply, AskError> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host);
        self.exchange(request.as_bytes(), |_, _| {}).await
    }

    /// Calls `event` with every server-sent event and when it came.
    pub async fn post(
        &mut self,
        path: &str,
        body: &str,
        event: impl FnMut(&[u8], Duration),
    ) -> Result<Reply, AskError> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.exchange(request.as_bytes(), event).await
    }

    async fn exchange(
        &mut self,
        request: &[u8],
        mut event: impl FnMut(&[u8], Duration),
    ) -> Result<Reply, AskError> {
        self.socket.write_all(request).await?;
        let head = self.head().await?;
        let mut body = Vec::new();
        if let Some(length) = head.length {
            while self.unread.len() < length {
                self.read().await?;
            }
            body.extend(self.unread.drain(..length));
        } else {
            loop {
                let size = self.chunk_size().await?;
                let end = size + 2;
                let mut came = now();
                while self.unread.len() < end {
                    self.read().await?;
                    came = now();
                }
                body.extend_from_slice(&self.unread[..size]);
                self.unread.drain(..end);
                if size == 0 {
                    break;
                }
                take_events(&mut body, |text| event(text, came));
            }
        }
        Ok(Reply {
            status: head.status,
            task: head.task,
            body,
        })
    }

    async fn head(&mut self) -> Result<Head, AskError> {
        let mut head = Head::default();
        let first = self.line().await?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        head.status = status.ok_or(AskError::Http("its status"))?;
        let mut chunked = false;
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or(AskError::Http("a header"))?;
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = value.trim().parse().ok(),
                "transfer-encoding" => chunked = true,
                "x-kipina-task" => head.task = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        if head.length.is_none() && !chunked {
            return Err(AskError::Http("neither a length nor chunks"));
        }
        Ok(head)
    }

    async fn chunk_size(&mut self) -> Result<usize, AskError> {
        let line = self.line().await?;
        usize::from_str_radix(line.trim(), 16).map_err(|_| AskError::Http("a chunk's size"))
    }

    async fn line(&mut self) -> Result<String, AskError> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.unread, b"\r\n") {
                let line = String::from_utf8_lossy(&self.unread[..end]).into_owned();
                self.unread.drain(..end + 2);
                return Ok(line);
            }
            if self.unread.len() > LINE_BYTES {
                return Err(AskError::Http("a line without an end"));
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), AskError> {
        match self.socket.read_buf(&mut self.unread).await? {
            0 => Err(AskError::CutOff),
            _ => Ok(()),
        }
    }
}

/// A connection from an address of this machine's: there are more ports than one address has.
pub async fn connect(host: SocketAddr, source: Option<IpAddr>) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let socket = socket.connect(host).await?;
    // Small frames must not wait for acknowledgements: the hub is measured, not the kernel.
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Hands every whole event over and leaves the rest.
fn take_events(body: &mut Vec<u8>, mut event: impl FnMut(&[u8])) {
    let mut taken = 0;
    while let Some(end) = memchr::memmem::find(&body[taken..], b"\n\n") {
        event(&body[taken..taken + end]);
        taken += end + 2;
    }
    body.drain(..taken);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_taken_whole() {
        let mut body = b"data: 1\n\ndata: 2\n\ndata".to_vec();
        let mut events = Vec::new();
        take_events(&mut body, |event| events.push(event.to_vec()));
        assert_eq!(events, [b"data: 1", b"data: 2"]);
        body.extend_from_slice(b": 3\n\n");
        take_events(&mut body, |event| events.push(event.to_vec()));
        assert_eq!((events.len(), body.len()), (3, 0));
    }
}
