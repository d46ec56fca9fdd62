//! The edge in front of `/v1`: who calls, what he may ask for, and how much of it.

mod caller;
mod credential;
mod models;
mod rate_headers;
mod settings;

pub(crate) use caller::{Asker, Caller};
pub(crate) use credential::{Credential, bearer, client_address, peer_address, refused};
pub(crate) use rate_headers::{RATE_HEADERS, tell};
pub use settings::{AccessPolicy, AccessSettings};
