//! Why a node can't start, or can't go on.

use serde::{Deserialize, Serialize};

use crate::{download::DownloadError, language::Language};

/// In words: `Language::node_error`.
#[derive(Debug, thiserror::Error)]
#[error("{}", Language::English.node_error(self))]
pub enum NodeError {
    OllamaUnreachable {
        url: String,
        reason: String,
    },
    OllamaTooOld {
        version: String,
    },
    PullFailed {
        model: String,
        reason: String,
    },
    OpenAiUnreachable {
        url: String,
        reason: String,
    },
    ModelNotFetched {
        id: String,
        reason: DownloadError,
    },
    NoModel,
    ModelUnusable {
        path: String,
        reason: String,
    },
    Tls {
        reason: String,
    },
    /// The hub said that trying again can't help: a close code, and its words for it.
    RefusedByHub {
        code: u16,
        reason: String,
    },
}

/// Why a connection to the hub could not be made, or ended. In words: `Language::loss_reason`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "details", rename_all = "snake_case")]
pub enum LossReason {
    NoAnswer,
    NoWelcome,
    /// Nothing was heard for longer than the heartbeat allows.
    Silent,
    /// It takes no more data.
    Stuck,
    Ended,
    /// It said before that it would stop.
    HubStopped,
    /// This machine slept for longer than the hub waits.
    Slept,
    Closed {
        code: u16,
        reason: String,
    },
    /// What the network or the operating system said.
    Broken(String),
}
