//! The node against stand-ins for what it talks to, over real sockets.

mod download;
mod engine;
mod hub;
mod ollama;
mod openai;
mod page;
mod restart;
mod script;
mod support;
