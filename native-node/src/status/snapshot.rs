//! What the node is doing at one moment, as its owner may see it. Never any text of a prompt.

use std::collections::VecDeque;

use protocol::LlmErrorCode;
use serde::{Deserialize, Serialize};

use super::PauseReason;
use crate::error::LossReason;

/// How many answers the speed is taken from.
const ANSWERS_MEASURED: usize = 20;

/// All times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Of the process, so that a reader knows whether it found the node that it looked for.
    pub pid: u32,
    pub version: String,
    pub started_at: u64,
    /// Absent until the backend has started, as are the hub and the name.
    pub name: Option<String>,
    pub hub: Option<String>,
    pub connection: Connection,
    /// As in `Ollama, http://localhost:11434`.
    pub backend: Option<String>,
    /// What computes the model that was loaded last; absent where the backend does not tell.
    #[serde(default)]
    pub processor: Option<Processor>,
    pub models: Vec<String>,
    pub slots: u32,
    /// Prompts that are being answered.
    pub busy: u32,
    pub prompts: Prompts,
    pub paused: Option<Pause>,
    pub last_error: Option<Trouble>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    pub state: ConnectionState,
    /// Why it is not there; absent where it is, or never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<LossReason>,
    pub since_at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// The backend is being started: a model may have to be fetched or loaded.
    Starting,
    Connecting,
    Connected,
    Lost,
    /// The owner stopped the node: it finishes what it has.
    Stopping,
}

/// What an engine computes with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Processor {
    Cpu {
        threads: usize,
    },
    Gpu {
        /// As in `NVIDIA GeForce RTX 4090`.
        adapter: String,
    },
}

/// Counts since the node started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prompts {
    pub served: u64,
    pub failed: u64,
    /// Those that nobody waited for any more.
    pub cancelled: u64,
    /// Of the answers that were served.
    pub tokens: u64,
    /// The decode speed of the last answers.
    pub tokens_per_second: Option<f64>,
    #[serde(skip)]
    pub(super) measured: VecDeque<Measured>,
}

/// One answer's tokens, and how long decoding took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) tokens: u32,
    pub(super) seconds: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    pub reason: PauseReason,
    pub since_at: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    pub what: TroubleKind,
    pub at: u64,
}

/// What went wrong last. A failed prompt has a code only: a backend's message may quote it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TroubleKind {
    Hub { reason: LossReason },
    Backend { message: String },
    Prompt { model: String, code: LlmErrorCode },
}

impl Snapshot {
    pub(super) fn new(pid: u32, now: u64) -> Self {
        Self {
            pid,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: now,
            name: None,
            hub: None,
            connection: Connection {
                state: ConnectionState::Starting,
                reason: None,
                since_at: now,
            },
            backend: None,
            processor: None,
            models: Vec::new(),
            slots: 0,
            busy: 0,
            prompts: Prompts::default(),
            paused: None,
            last_error: None,
        }
    }

    pub(super) fn connection(
        &mut self,
        state: ConnectionState,
        reason: Option<LossReason>,
        now: u64,
    ) {
        // A connection that can't be had again is as long lost as it is lost.
        let since_at = if self.connection.state == state {
            self.connection.since_at
        } else {
            now
        };
        self.connection = Connection {
            state,
            reason,
            since_at,
        };
    }

    pub(super) fn trouble(&mut self, what: TroubleKind, now: u64) {
        self.last_error = Some(Trouble { what, at: now });
    }
}

impl Prompts {
    pub(super) fn served(&mut self, answer: Measured) {
        self.served += 1;
        self.tokens += u64::from(answer.tokens);
        if answer.tokens > 0 && answer.seconds > 0.0 {
            self.measured.push_back(answer);
        }
        if self.measured.len() > ANSWERS_MEASURED {
            self.measured.pop_front();
        }
        let tokens: f64 = self.measured.iter().map(|a| f64::from(a.tokens)).sum();
        let seconds: f64 = self.measured.iter().map(|a| a.seconds).sum();
        self.tokens_per_second = (seconds > 0.0).then_some(tokens / seconds);
    }
}
