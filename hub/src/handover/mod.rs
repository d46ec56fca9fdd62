//! A new process takes the place of the one that runs, and no prompt fails.
//!
//! The new process asks at a socket next to the database ([`control`]) and gets the listening socket itself
//! ([`descriptor`]): connections that nobody has accepted yet wait in it for whichever process accepts. From then on the
//! old process accepts none. What its clients have asked before, it answers to the end; what they ask
//! later on their open connections, it passes on to the new one ([`forward`]) over the socket that the two have spoken
//! on. Its nodes are told to reconnect as soon as they are idle, spread over a moment, and the new process lets prompts
//! wait for them. [`succession`] is both sides of it as the server sees them.

#[cfg(unix)]
mod control;
#[cfg(unix)]
mod descriptor;
#[cfg(unix)]
mod forward;
#[cfg(unix)]
mod succession;

#[cfg(not(unix))]
#[path = "unsupported.rs"]
mod succession;

#[cfg(unix)]
pub use control::{AskError, Predecessor, ask, is_running};
pub(crate) use succession::Succession;
#[cfg(not(unix))]
pub use succession::{AskError, Predecessor, ask, is_running};
