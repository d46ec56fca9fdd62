//! The hub: takes prompts in, sends them to nodes, and streams the answers back.

pub mod config;
pub mod dispatch;
pub mod downloads;
pub mod error;
mod headers;
pub mod help;
pub mod language;
pub mod models;
pub mod net;
pub mod nodes;
mod openai;
mod page;
pub mod router;
pub mod server;
mod site;
pub mod state;
pub mod stats;
pub mod store;
