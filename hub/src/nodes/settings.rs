//! What the hub asks of its nodes.

use std::fmt;
use std::time::Duration;

/// The defaults suit a public hub.
#[derive(Clone)]
pub struct NodeSettings {
    /// The key that makes a node trusted. Where set, native nodes need it; browsers join without.
    pub key: Option<String>,
    /// Whether nodes without a key may join.
    pub guests: bool,
    /// Browsers without a key that may compute from one address.
    pub browsers_per_address: usize,
    /// How soon `hello` must come.
    pub hello_deadline: Duration,
    /// How often the hub pings; a node silent for three times as long is dropped.
    pub heartbeat: Duration,
    /// How long a node may take from the prompt to its first token.
    pub first_token_deadline: Duration,
    /// How long a node may take from one token to the next.
    pub token_deadline: Duration,
    /// How long frames about a prompt are put up with after its cancel.
    pub cancel_tail: Duration,
    /// Frames a second that a node may send in the long run, whatever its slots.
    pub frames_per_second: u32,
    /// And as many more for each of its slots: who computes many answers at once sends as many tokens.
    pub frames_per_slot: u32,
    /// How many seconds' worth of them may come at once.
    pub frame_burst: Duration,
    /// Frames that may wait for a node to read them: as many prompts as a node may have, and room to
    /// spare, for they can all come at once.
    pub outgoing_frames: usize,
    /// The longest answer, in bytes of text.
    pub answer_bytes: usize,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            key: None,
            guests: true,
            browsers_per_address: 32,
            hello_deadline: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            first_token_deadline: Duration::from_secs(300),
            token_deadline: Duration::from_secs(60),
            cancel_tail: Duration::from_secs(30),
            frames_per_second: 2000,
            frames_per_slot: 200,
            frame_burst: Duration::from_secs(2),
            outgoing_frames: 512,
            answer_bytes: 4 << 20,
        }
    }
}

impl NodeSettings {
    /// Frames a second that a node with so many slots may send in the long run.
    pub(super) fn frames(&self, slots: u32) -> u32 {
        self.frames_per_second
            .saturating_add(self.frames_per_slot.saturating_mul(slots))
    }
}

/// Without the key: settings are printed where a person reads.
impl fmt::Debug for NodeSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeSettings")
            .field("key", &self.key.as_ref().map(|_| "…"))
            .field("heartbeat", &self.heartbeat)
            .finish_non_exhaustive()
    }
}
