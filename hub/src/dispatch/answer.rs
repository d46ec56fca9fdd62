//! The reader's end of one prompt: what its HTTP handler holds.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use protocol::{FinishReason, TaskId, Usage};
use tokio::sync::{mpsc, oneshot};

use super::handle::CancelOnDrop;
use super::{AnsweringNode, FailureKind, PromptFailure};

/// An answer that has begun. Dropping it before its end cancels the prompt.
///
/// As a stream it gives tokens, then exactly one [`AnswerEvent::Done`] or
/// [`AnswerEvent::Failed`], then nothing.
#[derive(Debug)]
pub struct Answer {
    pub task_id: TaskId,
    pub node: AnsweringNode,
    /// The id of the model that answers, also where a family was asked for.
    pub model: String,
    /// From the submission until the answering node got the prompt.
    pub queued: Duration,
    /// From the submission to the first token.
    pub first_token: Duration,
    pub(super) tokens: mpsc::Receiver<Token>,
    pub(super) ending: Option<oneshot::Receiver<AnswerEnd>>,
    pub(super) guard: CancelOnDrop,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AnswerEvent {
    Token(Token),
    Done(Done),
    Failed(PromptFailure),
}

/// One frame of an answer: the text of no, one or several tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub token_ids: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    pub finish_reason: FinishReason,
    pub usage: Usage,
    /// While decoding, as the last node measured it; none where it did not.
    pub tokens_per_second: Option<f64>,
    /// Who brought it to its end: not who began it, where that node was lost in the middle.
    pub node: AnsweringNode,
    /// The nodes that had it before, in order.
    pub handovers: Vec<Handover>,
}

/// One node gave way to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// Who had the prompt until then.
    pub node: AnsweringNode,
    /// Tokens of the answer that had come by then, from all nodes together.
    pub after_tokens: u32,
    pub reason: HandoverReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandoverReason {
    Failed(FailureKind),
    /// Another node was asked as well, and was faster.
    FirstTokenLate,
}

impl HandoverReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed(kind) => kind.as_str(),
            Self::FirstTokenLate => "first_token_late",
        }
    }
}

/// How an answer that had begun came to its end.
pub(crate) type AnswerEnd = Result<Done, PromptFailure>;

impl Answer {
    /// The next event; nothing after the end. Cancel safe.
    pub async fn next(&mut self) -> Option<AnswerEvent> {
        poll_fn(|context| self.poll_event(context)).await
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<AnswerEvent>> {
        // The ending has its own channel, so that it arrives even where the tokens' is full.
        match self.tokens.poll_recv(context) {
            Poll::Ready(Some(token)) => return Poll::Ready(Some(AnswerEvent::Token(token))),
            Poll::Ready(None) => {}
            Poll::Pending => return Poll::Pending,
        }
        let Some(ending) = &mut self.ending else {
            return Poll::Ready(None);
        };
        let Poll::Ready(end) = Pin::new(ending).poll(context) else {
            return Poll::Pending;
        };
        self.ending = None;
        self.guard.disarm();
        Poll::Ready(Some(match end {
            Ok(Ok(done)) => AnswerEvent::Done(done),
            Ok(Err(failure)) => AnswerEvent::Failed(failure),
            Err(_owner_vanished) => AnswerEvent::Failed(PromptFailure {
                kind: FailureKind::HubStopping,
                message: "the hub stopped in the middle of the answer".to_owned(),
            }),
        }))
    }
}

impl Stream for Answer {
    type Item = AnswerEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<AnswerEvent>> {
        self.get_mut().poll_event(context)
    }
}
