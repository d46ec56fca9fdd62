//! Times that travel in an answer's text, from the fake nodes to the clients of the same process.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What a token's text says: its place in the answer and when the node sent it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) seq: u64,
    /// When the node had received the prompt.
    pub(crate) received: Duration,
    pub(crate) sent: Duration,
}

pub(crate) fn now() -> Duration {
    START.elapsed()
}

impl Stamp {
    pub(crate) fn text(self) -> String {
        format!(
            "{}:{}:{} ",
            self.seq,
            self.received.as_nanos(),
            self.sent.as_nanos()
        )
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.trim().split(':').map(str::parse::<u64>);
        Some(Self {
            seq: numbers.next()?.ok()?,
            received: Duration::from_nanos(numbers.next()?.ok()?),
            sent: Duration::from_nanos(numbers.next()?.ok()?),
        })
    }
}
