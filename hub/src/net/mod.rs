//! Who may connect: the origin of a page, the addresses in front of a proxy and behind it, connections per address.

mod admission;
mod client_address;
mod connection_limit;
mod origin;
mod public_address;
mod this_machine;

pub use admission::{Admission, Gate, Refused};
pub use client_address::TrustedProxies;
pub(crate) use connection_limit::network_of;
pub use connection_limit::{ConnectionLimit, ConnectionPermit};
pub use origin::OriginPolicy;
pub(crate) use origin::parse_web_origin;
pub(crate) use this_machine::names_this_machine;
