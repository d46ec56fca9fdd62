//! Joins the engine to a hub from inside a browser's dedicated worker: a thin shell. What the page
//! sees of it is written down in `frontend/src/lib/worker/wasm.ts`.
//!
//! Everything runs in that one worker: the connection's callbacks and the computing take turns, a
//! step of the answer at a time, so a cancelled prompt ends between two steps. In the threaded build
//! further workers share the memory and do nothing but compute.

mod answer;
mod clock;
mod compute;
mod compute_node;
mod connection;
mod distribution;
mod event;
mod held;
mod loading;
mod loss;
mod measure;
mod model_file;
mod pace;
mod reconnect;
mod settings;
#[cfg(target_feature = "atomics")]
mod threads;
mod tokenizer;

pub use compute_node::ComputeNode;
pub use tokenizer::Tokenizer;
