//! The node's side of the wire: one connection to the hub, kept alive for ever.

mod connection;
mod dial;
mod news;
mod reconnect;
mod work;

pub use self::reconnect::run;
