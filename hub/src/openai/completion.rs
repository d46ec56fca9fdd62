//! The plain answer: a fold over the chunks that a stream would have sent.

use std::{pin::pin, sync::Arc};

use futures_util::{Stream, TryStreamExt};
use protocol::FinishReason;
use serde::Serialize;

use super::chunks::{Chunk, CompletionUsage, KipinaReport};
use crate::error::ApiError;

/// One `chat.completion`.
#[derive(Debug, Serialize)]
pub(super) struct Completion {
    id: Arc<str>,
    object: &'static str,
    created: u64,
    model: Arc<str>,
    choices: [CompletionChoice; 1],
    usage: Option<CompletionUsage>,
    kipina: Option<KipinaReport>,
}

#[derive(Debug, Serialize)]
struct CompletionChoice {
    index: u32,
    message: CompletionMessage,
    logprobs: (),
    finish_reason: Option<FinishReason>,
}

#[derive(Debug, Serialize)]
struct CompletionMessage {
    role: &'static str,
    content: String,
    refusal: (),
}

impl Completion {
    /// # Errors
    /// The one that ended the chunks: half an answer is no answer where nobody watched it come.
    pub(super) async fn fold(
        chunks: impl Stream<Item = Result<Chunk, ApiError>>,
    ) -> Result<Self, ApiError> {
        let mut chunks = pin!(chunks);
        let first = chunks.try_next().await?;
        let first = first.ok_or_else(|| ApiError::internal("the answer ended before it began"))?;
        let mut completion = Self::begin(&first);
        completion.add(first);
        while let Some(chunk) = chunks.try_next().await? {
            completion.add(chunk);
        }
        Ok(completion)
    }

    fn begin(first: &Chunk) -> Self {
        let message = CompletionMessage {
            role: "assistant",
            content: String::new(),
            refusal: (),
        };
        Self {
            id: Arc::clone(&first.id),
            object: "chat.completion",
            created: first.created,
            model: Arc::clone(&first.model),
            choices: [CompletionChoice {
                index: 0,
                message,
                logprobs: (),
                finish_reason: None,
            }],
            usage: None,
            kipina: None,
        }
    }

    fn add(&mut self, chunk: Chunk) {
        let [choice] = &mut self.choices;
        for chunk_choice in chunk.choices {
            choice.message.content.extend(chunk_choice.delta.content);
            choice.finish_reason = chunk_choice.finish_reason.or(choice.finish_reason);
        }
        self.usage = chunk.usage.flatten().or(self.usage.take());
        self.kipina = chunk.kipina.or(self.kipina.take());
    }
}
