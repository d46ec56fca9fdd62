//! `kipina-node`: joins Ollama, any OpenAI-compatible server or the built-in engine to a hub.
//!
//! From the outside in: `config` reads what the owner asked for, `node` starts the backend and
//! holds what every connection shares, `hub` keeps one connection alive and answers its prompts,
//! `backend` computes the answers. Nothing here decides which node gets a prompt: the hub does.

pub mod arguments;
pub mod ask;
pub mod backend;
pub mod benchmark;
pub mod config;
pub mod device;
pub mod download;
pub mod error;
pub mod hub;
pub mod language;
pub mod limits;
pub mod logging;
pub mod models;
pub mod node;
pub mod owner;
pub mod page;
mod private_file;
pub mod progress;
pub mod prompt_log;
pub mod service;
pub mod setup;
pub mod status;
pub mod stop;
pub mod surroundings;
pub mod tls;

/// The program and its version, as nodes introduce themselves.
pub const SOFTWARE: &str = concat!("kipina-node ", env!("CARGO_PKG_VERSION"));
