//! Times that travel in an answer's text, from the fake nodes to the clients of the same process.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What a token's text says: its place in the answer and when the node sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub seq: u64,
    /// When the node had received the prompt.
    pub received: Duration,
    pub sent: Duration,
}

pub fn now() -> Duration {
    START.elapsed()
}

impl Stamp {
    pub fn text(self) -> String {
        let (received, sent) = (self.received.as_nanos(), self.sent.as_nanos());
        format!("{}:{received}:{sent} ", self.seq)
    }

    /// Finds the stamp in an event that carries a chunk: all that is read of it, since reading JSON would
    /// cost the clients more than the hub takes.
    pub fn in_event(event: &[u8]) -> Option<Self> {
        const CONTENT: &[u8] = b"\"content\":\"";
        let start = memchr::memmem::find(event, CONTENT)? + CONTENT.len();
        let text = &event[start..];
        let end = memchr::memchr(b'"', text)?;
        Self::parse(std::str::from_utf8(&text[..end]).ok()?)
    }

    /// How many stamps a text has.
    pub fn count_in(text: &str) -> u64 {
        text.split_whitespace().count() as u64
    }

    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.trim().split(':').map(str::parse::<u64>);
        Some(Self {
            seq: numbers.next()?.ok()?,
            received: Duration::from_nanos(numbers.next()?.ok()?),
            sent: Duration::from_nanos(numbers.next()?.ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_found_in_the_chunk_that_carries_it() {
        let stamp = Stamp {
            seq: 7,
            received: Duration::from_nanos(12),
            sent: Duration::from_nanos(34),
        };
        let content = stamp.text();
        let event = format!(r#"data: {{"choices":[{{"delta":{{"content":"{content}"}}}}]}}"#);
        assert_eq!(Stamp::in_event(event.as_bytes()), Some(stamp));
        assert_eq!(Stamp::count_in(&content.repeat(3)), 3);
        assert_eq!(Stamp::count_in(""), 0);
    }

    #[test]
    fn what_carries_no_stamp_has_none() {
        for event in [
            r#"data: {"choices":[{"delta":{"role":"assistant","content":""}}]}"#,
            "data: [DONE]",
            ": keep-alive",
        ] {
            assert_eq!(Stamp::in_event(event.as_bytes()), None, "{event}");
        }
    }
}
