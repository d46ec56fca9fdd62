//! Inference for quantised GGUF models of the `qwen2` and `llama` architectures: reading the file,
//! tokenising, rendering the chat template, computing, sampling. Synchronous and step by step; it
//! knows nothing of sockets, clocks, environment or files' names, so it is the same code natively
//! and in a browser.

mod request;
mod session;

pub use request::*;
pub use session::*;
