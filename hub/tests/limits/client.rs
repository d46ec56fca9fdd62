//! A client that writes and reads bytes as it likes.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    pub(crate) socket: TcpStream,
}

/// What came back before the hub closed the connection.
pub(crate) struct Answer {
    pub(crate) text: String,
}

impl Client {
    pub(crate) async fn connect(hub: SocketAddr) -> Self {
        Self {
            socket: TcpStream::connect(hub).await.unwrap(),
        }
    }

    /// Loopback has sixteen million addresses.
    pub(crate) async fn connect_from(own: &str, hub: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(SocketAddr::new(own.parse().unwrap(), 0))
            .unwrap();
        Self {
            socket: socket.connect(hub).await.unwrap(),
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        // A hub that has heard enough may be gone already.
        let _ = self.socket.write_all(text.as_bytes()).await;
    }

    /// Everything until the hub closes the connection.
    pub(crate) async fn rest(&mut self) -> Answer {
        let mut bytes = Vec::new();
        let reading = self.socket.read_to_end(&mut bytes);
        // A connection may be reset as well as closed.
        let _ = timeout(PATIENCE, reading)
            .await
            .expect("the hub closes the connection");
        Answer {
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// One answer whose length is told; the connection stays open. Empty where the hub hangs up.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut answer = Answer {
            text: String::new(),
        };
        let reading = async {
            while !answer.is_whole() {
                let mut bytes = [0; 4096];
                match self.socket.read(&mut bytes).await {
                    Ok(0) | Err(_) => break,
                    Ok(count) => answer
                        .text
                        .push_str(&String::from_utf8_lossy(&bytes[..count])),
                }
            }
        };
        timeout(PATIENCE, reading).await.expect("the hub answers");
        answer
    }

    /// Whether the hub leaves the connection open for so long.
    pub(crate) async fn stays_open(&mut self, time: Duration) -> bool {
        timeout(time, self.socket.read_u8()).await.is_err()
    }
}

impl Answer {
    /// 0 where there was no answer.
    pub(crate) fn status(&self) -> u16 {
        let status = self.text.split(' ').nth(1);
        status.map_or(0, |status| status.parse().unwrap())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn error(&self) -> Value {
        let body = self.text.split("\r\n\r\n").nth(1).unwrap_or_default();
        let body: Value = serde_json::from_str(body)
            .unwrap_or_else(|_| panic!("no JSON in the answer: {}", self.text));
        body["error"].clone()
    }

    fn is_whole(&self) -> bool {
        let Some((_, body)) = self.text.split_once("\r\n\r\n") else {
            return false;
        };
        let length = self.header("content-length").expect("a length");
        body.len() >= length.parse().unwrap()
    }
}
