//! The hub: takes prompts in, sends them to nodes, and streams the answers back.

pub mod access;
pub mod admin;
mod clock;
pub mod commands;
pub mod config;
pub mod dispatch;
pub mod downloads;
pub mod error;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
pub mod handover;
mod headers;
mod health;
pub mod help;
mod json;
pub mod keys;
pub mod language;
pub mod logging;
pub mod metrics;
pub mod models;
pub mod net;
pub mod nodes;
pub mod notices;
mod openai;
mod openapi;
mod page;
pub mod router;
pub mod serve;
pub mod server;
mod site;
pub mod state;
pub mod stats;
pub mod store;
mod trace;
