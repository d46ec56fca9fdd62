//! `kipina-node --install`: has the system run the node from now on, and `--uninstall` undoes it.
//!
//! `unit` and `agent` write what the system reads, as text from values; `install` puts it in its
//! place and calls the system's own tools.

mod agent;
mod install;
mod program;
mod unit;

use std::path::PathBuf;

pub use self::{
    install::{Outcome, install, uninstall},
    program::{absolute_flags, absolute_variables, stable_program},
};
use crate::{config::Secret, stop::FINISHING};

/// How long the system waits before it kills a node that was told to stop: longer than the node
/// takes to finish.
const STOP_SECONDS: u64 = FINISHING.as_secs() + 15;

/// What the service runs, and with what.
#[derive(Clone, Debug)]
pub struct Service {
    pub program: PathBuf,
    pub flags: Vec<String>,
    pub variables: Vec<(&'static str, Secret)>,
}

/// Where everything lies that belongs to one user.
#[derive(Clone, Debug)]
pub struct Home {
    pub folder: PathBuf,
    /// As in `~/.config`.
    pub config: PathBuf,
    pub user: Option<String>,
}

/// Why there is no service. In words: `Language::service_error`.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("there is no home folder")]
    NoHome,
    #[error("the program's own path is not known: {reason}")]
    NoProgram { reason: String },
    /// Neither systemd nor launchd is here.
    #[error("no service manager")]
    NoManager { command: String },
    #[error("the path {} holds characters that systemd refuses", path.display())]
    OddProgram { path: PathBuf },
    #[error("{} can't be written: {reason}", path.display())]
    NotWritten { path: PathBuf, reason: String },
    /// The files are there, but the manager can't be reached or refuses: `then` does the rest.
    #[error("{reason}")]
    NotStarted { reason: String, then: String },
}
