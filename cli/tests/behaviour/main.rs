//! `kpn` against a hub that says what a test wants.

mod ask;
mod chat;
mod keys;
mod network;
mod project;
mod support;
mod verify;
