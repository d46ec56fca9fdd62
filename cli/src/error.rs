//! Why a command did not come to its end, and what the program's exit code says of it.

use std::io;

use crate::{config::ConfigError, hub::HubError, project::FolderError};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Hub(#[from] HubError),
    /// Nobody answers with what was wished for; None: with anything.
    #[error("nobody has {0:?}")]
    Nobody(Option<String>),
    /// Words, settings or files were given that nothing can be done with.
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0:?}")]
    Usage(Usage),
    #[error("{0}")]
    Folder(#[from] FolderError),
    /// The team gave up, or not all of its files could be written. Already told.
    #[error("the project did not come to its end")]
    Project,
    /// A check failed. Already told.
    #[error("a check failed")]
    Check,
    /// Its words were told by the command; what is left is its exit code.
    #[error("{0}")]
    Told(Box<Self>),
    #[error("interrupted")]
    Interrupted,
    #[error("{0}")]
    Output(#[from] io::Error),
    #[error("{0}")]
    Other(#[from] anyhow::Error),
}

/// What the command needs and did not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    NoQuestion,
    NoIdea,
    /// The folder holds another project already.
    OtherIdea {
        idea: String,
    },
    /// The folder has files of its own.
    NotEmpty,
}

/// The program's exit codes; `--help` lists them.
pub(crate) mod exit {
    pub(crate) const OK: u8 = 0;
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const UNREACHABLE: u8 = 3;
    pub(crate) const REFUSED: u8 = 4;
    pub(crate) const NOBODY: u8 = 5;
    pub(crate) const INTERRUPTED: u8 = 130;
    /// As of every program that a closed pipe ends: 128, and SIGPIPE's number.
    pub(crate) const UNREAD: u8 = 141;
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Hub(HubError::Unreachable { .. }) => exit::UNREACHABLE,
            Self::Hub(error) if error.is_key() => exit::REFUSED,
            Self::Hub(error) if error.is_nobody() => exit::NOBODY,
            Self::Nobody(_) => exit::NOBODY,
            Self::Config(_) | Self::Usage(_) => exit::USAGE,
            Self::Told(failure) => failure.exit_code(),
            Self::Interrupted => exit::INTERRUPTED,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => exit::UNREAD,
            Self::Hub(_)
            | Self::Folder(_)
            | Self::Project
            | Self::Check
            | Self::Output(_)
            | Self::Other(_) => exit::FAILED,
        }
    }

    /// Nothing is left to be said.
    pub(crate) fn is_told(&self) -> bool {
        match self {
            Self::Project | Self::Check | Self::Told(_) | Self::Interrupted => true,
            // Whoever read the output has read enough.
            Self::Output(error) => error.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Lack;

    fn refused(status: u16, code: Option<&str>) -> Failure {
        let code = code.map(str::to_owned);
        let message = String::new();
        Failure::Hub(HubError::Refused {
            status,
            code,
            message,
            retry_after_seconds: None,
        })
    }

    #[test]
    fn exit_codes_tell_what_to_look_at() {
        let unreachable = Failure::Hub(HubError::Unreachable {
            url: String::new(),
            lack: Lack::Broken,
        });
        for (failure, code) in [
            (unreachable, 3),
            (refused(401, Some("invalid_api_key")), 4),
            (refused(403, None), 4),
            (refused(200, Some("invalid_api_key")), 4),
            (refused(404, Some("model_not_found")), 5),
            (refused(503, Some("no_node_available")), 5),
            (refused(429, Some("rate_limit_exceeded")), 1),
            (refused(404, Some("not_found")), 1),
            (refused(500, None), 1),
            (Failure::Nobody(None), 5),
            (Failure::Usage(Usage::NoIdea), 2),
            (Failure::Interrupted, 130),
            (Failure::Project, 1),
            (Failure::Output(io::ErrorKind::BrokenPipe.into()), 141),
            (Failure::Output(io::ErrorKind::StorageFull.into()), 1),
        ] {
            assert_eq!(failure.exit_code(), code, "{failure:?}");
        }
    }
}
