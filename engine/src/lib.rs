//! Inference for quantised GGUF models of the `qwen2` and `llama` architectures: reading the file,
//! tokenising, rendering the chat template, computing, sampling. Synchronous and step by step; it
//! knows nothing of sockets, clocks, environment or files' names, so it is the same code natively
//! and in a browser.

mod audit;
mod compute;
mod distribution;
mod engine;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod gguf;
mod gpu;
#[allow(
    unsafe_code,
    reason = "intrinsics and threads on shared rows; nowhere else"
)]
mod kernels;
mod model;
mod rate;
mod request;
mod sampler;
mod session;
mod speed;
mod template;
mod text;
mod tokenizer;

pub use audit::{Audit, AuditRequest, Judgement};
pub use distribution::{Candidate, Distribution};
pub use engine::{Engine, EngineOptions, LoadProgress, ModelHead, ModelInfo, Score};
pub use gpu::{Gpu, GpuError, GpuFacts, Tuning};
pub use kernels::{Spawn, spawn_thread};
pub use rate::cpu_multiply_adds_per_second;
pub use request::{Begun, EngineError, Input, Message, Request, Sampling};
pub use session::{FinishReason, Session, Step, Usage};
pub use speed::{Measurement, Measuring, Speed};
pub use tokenizer::Tokenizer;
