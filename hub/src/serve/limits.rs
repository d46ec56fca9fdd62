//! What a client of HTTP may cost.

use std::time::Duration;

/// The defaults suit a public hub.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// Open connections of all clients together, WebSockets among them.
    pub connections: usize,
    /// Open connections of one address; behind a trusted proxy, requests under way.
    pub connections_per_address: usize,
    /// For a request's head to come, and for an idle connection to be used again.
    pub head_deadline: Duration,
    /// The longest request line and headers together.
    pub head_bytes: usize,
    /// For a body to come, however short it is.
    pub body_grace: Duration,
    /// The pace of a body that is longer than what its grace is enough for.
    pub body_bytes_per_second: u32,
    /// For the first byte of an answer that no node computes.
    pub answer_deadline: Duration,
    /// How long a client may take nothing of what it is sent.
    pub write_patience: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            connections_per_address: 256,
            head_deadline: Duration::from_secs(30),
            head_bytes: 32 << 10,
            body_grace: Duration::from_secs(20),
            body_bytes_per_second: 16 << 10,
            answer_deadline: Duration::from_secs(30),
            write_patience: Duration::from_secs(60),
        }
    }
}
