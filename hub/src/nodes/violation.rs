//! Why the hub closes a node's connection.

use axum::extract::ws::CloseFrame;
use protocol::{TaskId, close_code};
use serde_json::error::Category;

use crate::dispatch::{FailureKind, PromptFailure};
use crate::keys::KeyFault;
use crate::rules::Ban;

/// A rule of the protocol that a node broke. The words end up in the log, so they hold nothing
/// that the node chose: what breaks a rule may be the text of an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Violation {
    #[error("a frame that is no message of the protocol: {problem} at its column {column}")]
    Malformed {
        problem: &'static str,
        column: usize,
    },
    #[error("a binary frame where only text is spoken")]
    Binary,
    #[error("a frame that can't be read: {0}")]
    Unreadable(String),
    #[error("a frame for a task that this node does not have")]
    Foreign,
    #[error("frame {found} of the task {task_id} where frame {expected} was due")]
    OutOfOrder {
        task_id: TaskId,
        expected: u64,
        found: u64,
    },
    #[error("an answer to the task {0} that is longer than any answer may be")]
    AnswerTooLong(TaskId),
    #[error("a second hello")]
    SecondHello,
    #[error("{0}")]
    Hello(&'static str),
}

impl From<serde_json::Error> for Violation {
    fn from(error: serde_json::Error) -> Self {
        // The error's own words quote the frame.
        let problem = match error.classify() {
            Category::Syntax => "not JSON",
            Category::Eof => "cut off",
            Category::Data | Category::Io => "unknown or wrong fields",
        };
        Self::Malformed {
            problem,
            column: error.column(),
        }
    }
}

/// How a session came to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Closing {
    /// The node closed the connection, or the network did.
    #[error("the connection ended")]
    ConnectionLost,
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error("more frames than the hub's limit allows")]
    RateLimited,
    #[error("nothing was heard for longer than the heartbeat allows")]
    Silent,
    #[error("the node does not read what it is sent")]
    NotReading,
    #[error("no hello came in time")]
    HelloExpected,
    #[error(
        "this hub speaks versions {oldest} to {newest} of the protocol, not {found}; update the node"
    )]
    UnsupportedVersion {
        oldest: u32,
        newest: u32,
        found: u32,
    },
    #[error("{0}")]
    Unauthorised(&'static str),
    #[error("{limit} browsers already compute from your address; close one of them first")]
    TooManyBrowsers { limit: usize },
    #[error("{}", banned(.0))]
    Banned(Ban),
    #[error("the hub is stopping; come back in a moment")]
    HubStopping,
    #[error("the hub can't read its keys right now; come back in a moment")]
    KeysUnreadable,
}

impl From<KeyFault> for Closing {
    fn from(fault: KeyFault) -> Self {
        Self::Unauthorised(match fault {
            KeyFault::Unknown => "the key is wrong; check NODE_API_KEY",
            KeyFault::Revoked => "the key was revoked; ask the hub's operator for a new one",
            KeyFault::Expired => "the key has expired; ask the hub's operator for a new one",
        })
    }
}

fn banned(ban: &Ban) -> String {
    match &ban.reason {
        Some(reason) => format!("the hub's operator has banned this node: {reason}"),
        None => "the hub's operator has banned this node; ask the operator why".to_owned(),
    }
}

/// What a close frame's reason has room for: 125 bytes less the code.
const REASON_BYTES: usize = 123;

impl Closing {
    /// What it is counted as.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::ConnectionLost => "connection_lost",
            Self::Violation(_) => "protocol_violation",
            Self::RateLimited => "rate_limited",
            Self::Silent => "silent",
            Self::NotReading => "not_reading",
            Self::HelloExpected => "hello_expected",
            Self::UnsupportedVersion { .. } => "unsupported_version",
            Self::Unauthorised(_) => "unauthorised",
            Self::TooManyBrowsers { .. } => "too_many_browsers",
            Self::Banned(_) => "banned",
            Self::KeysUnreadable => "keys_unreadable",
            Self::HubStopping => "hub_stopping",
        }
    }

    /// What to tell the node; nothing where there is nobody left to hear it.
    pub(super) fn close_frame(&self) -> Option<CloseFrame> {
        let code = match self {
            Self::ConnectionLost => return None,
            Self::Violation(_) => close_code::PROTOCOL_VIOLATION,
            Self::RateLimited => close_code::RATE_LIMITED,
            Self::Silent | Self::NotReading => close_code::SILENT,
            Self::HelloExpected => close_code::HELLO_EXPECTED,
            Self::UnsupportedVersion { .. } => close_code::UNSUPPORTED_VERSION,
            Self::Unauthorised(_) => close_code::UNAUTHORISED,
            Self::TooManyBrowsers { .. } => close_code::TOO_MANY_NODES,
            Self::Banned(_) => close_code::BANNED,
            Self::HubStopping | Self::KeysUnreadable => close_code::HUB_STOPPING,
        };
        let reason = self.to_string();
        Some(CloseFrame {
            code,
            reason: reason[..reason.floor_char_boundary(REASON_BYTES)].into(),
        })
    }

    /// What to tell those whose prompts the node had.
    pub(super) fn failure(&self, node_name: &str) -> PromptFailure {
        let (kind, happened) = match self {
            Self::HubStopping => (FailureKind::HubStopping, "the hub stopped while"),
            Self::Silent | Self::NotReading => {
                (FailureKind::NodeSilent, "the hub heard no more of")
            }
            _ => (FailureKind::NodeLost, "the hub lost"),
        };
        let message = match kind {
            FailureKind::HubStopping => {
                format!("{happened} the node '{node_name}' was answering; send the prompt again")
            }
            _ => format!(
                "{happened} the node '{node_name}', which was answering; send the prompt again"
            ),
        };
        PromptFailure { kind, message }
    }
}
