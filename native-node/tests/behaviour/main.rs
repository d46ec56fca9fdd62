//! The node against stand-ins for what it talks to, over real sockets.

mod hub;
mod ollama;
mod openai;
mod page;
mod restart;
mod script;
mod support;
