//! From a listening socket to answered requests, with a limit on everything that a client may cost.
//!
//! HTTP/1.1 only: HTTP/2 belongs to the proxy that ends TLS in front of the hub, and with it what
//! HTTP/2 can be abused for.

mod body;
mod connection;
mod descriptors;
mod held_body;
mod limits;
mod listen;
mod places;
mod requests;

pub(crate) use body::WholeBody;
pub(crate) use descriptors::raise_descriptor_limit;
#[cfg(unix)]
pub(crate) use held_body::HeldBody;
pub use limits::HttpLimits;
pub(crate) use listen::serve;
pub(crate) use places::Places;
pub(crate) use requests::{answer_in_time, limit_requests};
