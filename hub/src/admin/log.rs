//! What operators did: every change, with who, when and from where. Never a secret.

use std::{net::IpAddr, time::SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::keys::KeyId;

/// Who changes something, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    pub who: Who,
    pub address: IpAddr,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Who {
    /// Somebody who logged in with the password.
    Session,
    Key {
        id: KeyId,
        name: String,
    },
    /// Somebody at the hub's own machine, where no password is set.
    ThisMachine,
}

/// A change that was made.
#[derive(Clone, Debug)]
pub struct LogEntry {
    pub at: SystemTime,
    pub author: Author,
    /// As in `key.created`: what of, and what was done.
    pub action: &'static str,
    /// What was changed, in words.
    pub subject: String,
    pub details: Value,
}

/// An entry as it is read back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoggedEntry {
    /// Larger for later ones.
    pub id: u64,
    /// Unix time in milliseconds.
    pub at_ms: u64,
    pub who: Who,
    pub address: String,
    pub action: String,
    pub subject: String,
    pub details: Value,
}

impl LogEntry {
    pub fn now(
        author: Author,
        action: &'static str,
        subject: impl Into<String>,
        details: Value,
    ) -> Self {
        Self {
            at: SystemTime::now(),
            author,
            action,
            subject: subject.into(),
            details,
        }
    }
}
