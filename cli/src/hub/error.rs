//! What can become of a request to the hub.

/// Why the hub gave no answer, or none that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HubError {
    /// No connection, or it broke.
    #[error("{url}: {lack:?}")]
    Unreachable { url: String, lack: Lack },
    /// The hub said no; `code` is OpenAI's, where there is one.
    #[error("{status}: {message}")]
    Refused {
        status: u16,
        code: Option<String>,
        message: String,
        retry_after_seconds: Option<u64>,
    },
    /// Somebody answered, but not as a hub does.
    #[error("{url}: {reason}")]
    Unreadable { url: String, reason: String },
}

/// What there was instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// Nobody listens there, or the name leads nowhere. In the library's words.
    Connection(String),
    /// Nothing came for so long.
    Silence { seconds: u64 },
    /// The connection ended before the answer did.
    Broken,
    /// A proxy answered for a hub that is down.
    Proxy(u16),
}

impl HubError {
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => code.as_deref(),
            _ => None,
        }
    }

    /// The hub wants a key, or another one, or doesn't let this client in at all.
    pub(crate) fn is_key(&self) -> bool {
        let is_status = matches!(self, Self::Refused { status, .. } if matches!(status, 401 | 403));
        is_status || self.code() == Some("invalid_api_key")
    }

    /// Nobody has the model, or nobody has any.
    pub(crate) fn is_nobody(&self) -> bool {
        let codes = ["no_node_available", "model_not_found", "model_unavailable"];
        self.code().is_some_and(|code| codes.contains(&code))
    }

    /// What was asked is longer than the model's window.
    pub(crate) fn is_window(&self) -> bool {
        self.code() == Some("context_length_exceeded")
    }

    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::Refused {
                retry_after_seconds,
                ..
            } => *retry_after_seconds,
            _ => None,
        }
    }
}
