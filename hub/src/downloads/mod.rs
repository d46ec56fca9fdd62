//! How a machine joins: the scripts that a person pipes to a shell, and the programs that they fetch.

mod answers;
mod folder;
mod list;
mod script;

pub(crate) use answers::{file, join_from_source, join_with_bash, join_with_powershell, version};
pub use folder::Downloads;
