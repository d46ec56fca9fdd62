//! What travels between the hub and its nodes, the public statistics, and the model catalogue:
//! types and their JSON only, no I/O.
//!
//! Every message is one JSON text frame tagged by `type`. Unknown fields are ignored on purpose:
//! a browser tab stays open for days and speaks to hubs older and newer than itself.

mod catalogue;
mod from_hub;
mod from_node;
mod owner;
mod prompt;
mod stats;

pub use catalogue::*;
pub use from_hub::*;
pub use from_node::*;
pub use owner::*;
pub use prompt::*;
pub use stats::*;

/// The version of the wire that this crate speaks; `hello` carries the node's own.
pub const PROTOCOL_VERSION: u32 = 1;

/// The oldest version of the wire that a hub of this build still accepts.
pub const OLDEST_PROTOCOL_VERSION: u32 = 1;

/// The longest frame that a hub accepts from a node, in bytes. An answer travels in many small
/// frames, so a longer one is a fault or an attack.
pub const MAX_NODE_FRAME_BYTES: usize = 1 << 20;

/// The longest frame that a node accepts from a hub, in bytes: a prompt of a full context window
/// with room to spare.
pub const MAX_HUB_FRAME_BYTES: usize = 16 << 20;

/// Why a hub closes a node's connection: WebSocket close codes from the private range 4000–4999.
/// The close frame's reason says the same in words.
pub mod close_code {
    /// The node's `hello` carries no key, or a wrong one, where the hub demands one.
    pub const UNAUTHORISED: u16 = 4001;
    /// The node speaks a version of the wire that the hub does not.
    pub const UNSUPPORTED_VERSION: u16 = 4002;
    /// A frame that is no message of the protocol, is too large, or breaks its rules.
    pub const PROTOCOL_VIOLATION: u16 = 4003;
    /// Nothing was heard from the node for longer than the heartbeat allows.
    pub const SILENT: u16 = 4004;
    /// More frames than the hub's limit allows.
    pub const RATE_LIMITED: u16 = 4005;
    /// No `hello` came within the time the hub allows.
    pub const HELLO_EXPECTED: u16 = 4006;
    /// The hub is going away; come back after a pause.
    pub const HUB_STOPPING: u16 = 4007;
    /// As many browsers without a key compute from this address as the hub allows.
    pub const TOO_MANY_NODES: u16 = 4008;
    /// The hub's operator does not want this node; the reason may say why.
    pub const BANNED: u16 = 4009;

    /// True where trying again with the same program and settings can't help.
    pub fn is_final(code: u16) -> bool {
        matches!(code, UNAUTHORISED | UNSUPPORTED_VERSION | BANNED)
    }
}
