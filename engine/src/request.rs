//! What a caller asks of the engine, and what can go wrong with it.

use serde::Serialize;
use serde_json::Value;

use crate::GpuError;

/// One prompt: what to answer and how to choose the tokens.
#[derive(Clone, Debug)]
pub struct Request {
    pub input: Input,
    /// What is there of the answer already.
    pub begun: Begun,
    pub sampling: Sampling,
}

/// The part of an answer that somebody else computed: the answer goes on right after it and does
/// not repeat it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Begun {
    pub text: String,
    /// The tokens behind the text, in this model's vocabulary; empty where they are not known. Ids
    /// that do not come to this very text count as unknown.
    pub token_ids: Vec<u32>,
}

#[derive(Clone, Debug)]
pub enum Input {
    /// A conversation, rendered with the model's own chat template.
    Chat {
        messages: Vec<Message>,
        /// OpenAI's tool definitions; empty for none.
        tools: Vec<Value>,
        /// The beginning of the assistant's answer; the answer goes on from here.
        prefill: String,
    },
    /// Plain text to go on from; with a suffix, the text between the two (fill in the middle).
    Raw {
        prompt: String,
        suffix: Option<String>,
    },
}

impl Input {
    /// With more of the answer's beginning.
    pub(crate) fn and_then_text(mut self, begun: &str) -> Self {
        match &mut self {
            Self::Chat { prefill, .. } => prefill.push_str(begun),
            Self::Raw { prompt, .. } => prompt.push_str(begun),
        }
        self
    }
}

/// A message as chat templates expect it.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    pub content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<Value>,
}

#[derive(Clone, Debug)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f32,
    /// 0 considers every token.
    pub top_k: usize,
    /// 1 is off.
    pub top_p: f32,
    /// 0 is off.
    pub min_p: f32,
    /// 1 is off. Applies to the last 64 tokens of prompt and answer.
    pub repeat_penalty: f32,
    pub seed: u64,
    /// `None`: as many as the context has room for.
    pub max_tokens: Option<usize>,
    pub stop: Vec<String>,
}

impl Sampling {
    /// The likeliest token every time.
    pub fn greedy(max_tokens: Option<usize>) -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repeat_penalty: 1.0,
            seed: 0,
            max_tokens,
            stop: Vec::new(),
        }
    }

    pub(crate) fn is_greedy(&self) -> bool {
        self.temperature <= 0.0 || self.top_k == 1
    }
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("not a GGUF file that this engine can read: {0}")]
    InvalidModel(String),
    #[error(
        "the model's architecture is `{0}`; this engine computes `qwen2` and `llama`: choose a \
         model of those"
    )]
    UnsupportedArchitecture(String),
    #[error("reading the model failed: {0}")]
    Io(#[from] std::io::Error),
    /// The prompt leaves no room for an answer.
    #[error(
        "the prompt has {prompt_tokens} tokens, and the model's context holds {context_length} for \
         prompt and answer together: shorten the prompt"
    )]
    ContextLengthExceeded {
        prompt_tokens: usize,
        context_length: usize,
    },
    #[error("{0}")]
    InvalidRequest(String),
    #[error(transparent)]
    Gpu(#[from] GpuError),
}
