//! Keys, logging in, and what is remembered of both, over real sockets and through the router.

mod access;
mod admin;
mod client;
mod limits;
mod login;
mod nodes;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
