//! What a client of HTTP may cost, and how it hears that it went too far. Raw sockets: no library
//! sends what these do.

#[path = "../support/mod.rs"]
mod support;

mod client;
mod crowds;
mod heads;
mod json;
mod slow_clients;
mod websockets;
