//! What the hub counts of itself, for Prometheus: `GET /metrics`.
//!
//! Counters are told what happens; what is true at a moment ([`moment`]) is asked for when somebody reads. No label
//! has values that strangers choose: models count by the catalogue's names, paths by the router's.

mod access;
mod counters;
mod endpoint;
mod moment;
mod requests;
mod sink;

#[cfg(target_os = "linux")]
mod process;

pub(crate) use access::Access;
pub use counters::Metrics;
pub(crate) use endpoint::metrics;
pub(crate) use requests::measure;
pub use sink::Counted;
