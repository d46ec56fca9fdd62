//! OpenAI's chat API: its types and habits live here and nowhere else.
//!
//! A request is read ([`request`]), checked and turned into the hub's own terms ([`submission`],
//! [`messages`]), and submitted. The answer's events become chunks ([`chunks`]); a stream sends
//! them as they come ([`stream`], or [`queued`] where the prompt has to wait), and the plain answer is a fold over the same chunks
//! ([`completion`]).

mod chunks;
mod completion;
mod completions;
mod messages;
mod models;
mod queued;
mod request;
mod stream;
mod submission;

pub(crate) use completions::create_chat_completion;
pub(crate) use models::{list_models, retrieve_model};

/// The prompt that a body asks for.
#[cfg(any(fuzzing, test))]
pub(crate) fn prompt(body: &[u8]) -> Result<protocol::PromptRequest, crate::error::ApiError> {
    let asker = crate::access::Asker {
        client: crate::keys::Client::at(std::net::Ipv4Addr::LOCALHOST.into()),
        owner: None,
        demand: crate::dispatch::NodePreference::Any,
    };
    Ok(submission::submission(request::parse(body)?, asker)?.request)
}
