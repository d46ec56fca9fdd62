//! The node against stand-ins for what it talks to, over real sockets.

mod download;
mod engine;
mod gpu;
mod hub;
#[cfg(target_os = "linux")]
mod install;
mod ollama;
mod openai;
mod page;
mod restart;
mod script;
mod support;
