//! Ollama, on good days and bad ones.

mod answers;
mod models;
mod stand_in;

pub(crate) use self::stand_in::{ANSWER, Ollama};
