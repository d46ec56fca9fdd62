//! One prompt being answered, a step at a time.

use std::io::{Read, Seek};

use crate::{EngineError, Request};

/// How to load a model.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Threads to compute with, the caller's own included; at least 1.
    pub threads: usize,
    /// The most tokens of prompt and answer together; `None`: what the model was trained for.
    pub context_length: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub struct LoadProgress {
    pub done_bytes: u64,
    pub total_bytes: u64,
}

#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// GGUF's `general.architecture`.
    pub architecture: String,
    pub name: Option<String>,
    /// As in `Q4_K_M`, from GGUF's `general.file_type`.
    pub quantisation: String,
    pub parameters: u64,
    /// What this engine was loaded with, at most what the model was trained for.
    pub context_length: usize,
}

/// A loaded model and its KV cache; answers one prompt at a time.
#[derive(Debug)]
pub struct Engine {
    info: ModelInfo,
}

impl Engine {
    /// Reads tensor by tensor; never holds the whole file in memory beside the packed weights.
    pub fn load<R: Read + Seek>(
        _reader: &mut R,
        _options: &EngineOptions,
        _progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<Self, EngineError> {
        Err(EngineError::InvalidModel("being written".into()))
    }

    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Begins an answer. Whatever the KV cache already holds of the prompt is not computed again.
    pub fn start(&mut self, _request: &Request) -> Result<Session<'_>, EngineError> {
        Ok(Session { _engine: self })
    }
}

/// An answer in the making: an iterator of steps. Dropping it between two steps aborts.
#[derive(Debug)]
pub struct Session<'engine> {
    _engine: &'engine mut Engine,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A chunk of the prompt was computed; `done` of `total` prompt tokens are in the KV cache.
    Prefilled { done: usize, total: usize },
    /// The next token was decoded. `text` is empty while a character or a possible stop string is
    /// incomplete.
    Text { text: String, token_id: u32 },
    /// The end; the iterator yields nothing after it. `text` is what was still held back.
    Finished { text: String, reason: FinishReason },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    Stop,
    Length,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub prompt_tokens: usize,
    pub cached_tokens: usize,
    pub completion_tokens: usize,
}

impl Session<'_> {
    pub fn usage(&self) -> Usage {
        Usage::default()
    }
}

impl Iterator for Session<'_> {
    type Item = Result<Step, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}
