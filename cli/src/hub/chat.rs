//! `POST /v1/chat/completions`, streamed; the plain answer is for `verify` only.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Hub, HubError, client::ErrorFields, error::Lack, events::Events};

/// A question. One message of the assistant's at the end is how the answer begins; the hub sends what follows.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct ChatRequest {
    pub(crate) model: String,
    pub(crate) messages: Vec<Message>,
    #[serde(flatten)]
    pub(crate) sampling: Sampling,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) stop: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) role: String,
    pub(crate) content: String,
}

impl Message {
    pub(crate) fn new(role: &str, content: impl Into<String>) -> Self {
        Self {
            role: role.to_owned(),
            content: content.into(),
        }
    }
}

/// What is absent is the hub's to choose.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Sampling {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repeat_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<i64>,
}

impl From<pipeline::Sampling> for Sampling {
    fn from(sampling: pipeline::Sampling) -> Self {
        Self {
            temperature: Some(as_written(sampling.temperature)),
            top_k: Some(sampling.top_k),
            top_p: Some(as_written(sampling.top_p)),
            repeat_penalty: Some(as_written(sampling.repeat_penalty)),
            max_tokens: Some(sampling.max_tokens),
            seed: None,
        }
    }
}

/// The team has single precision: 0.7 must not go out as 0.699999988079071.
fn as_written(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

/// What an answer's end tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Answer {
    /// `stop` or `length`.
    pub(crate) finish_reason: Option<String>,
    pub(crate) usage: Option<Usage>,
    /// Who answered, and how fast.
    #[serde(rename = "kipina")]
    pub(crate) report: Option<Report>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Usage {
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prompt_tokens_details: Option<PromptTokensDetails>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PromptTokensDetails {
    pub(crate) cached_tokens: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Report {
    pub(crate) node: String,
    pub(crate) kind: String,
    pub(crate) model: String,
    pub(crate) queued_ms: f64,
    pub(crate) first_token_ms: f64,
    pub(crate) tokens_per_second: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Chunk {
    /// Instead of all else: the answer has broken off.
    #[serde(default)]
    error: Option<ErrorFields>,
    #[serde(default)]
    choices: Vec<ChunkChoice>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    kipina: Option<Report>,
}

#[derive(Debug, Deserialize)]
struct ChunkChoice {
    #[serde(default, alias = "message")]
    delta: Delta,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
}

/// An answer on its way. Dropping it closes the connection, by which the hub knows that nobody waits any more.
#[derive(Debug)]
pub(crate) struct AnswerStream {
    hub: Hub,
    events: Events,
    answer: Answer,
    asked_at: Instant,
    first_text: Option<Duration>,
}

impl Hub {
    pub(crate) async fn ask(&self, request: &ChatRequest) -> Result<AnswerStream, HubError> {
        let asked_at = Instant::now();
        let mut body = self.body(request)?;
        body["stream"] = json!(true);
        body["stream_options"] = json!({ "include_usage": true });
        let response = self.post("/v1/chat/completions", &body).await?;
        Ok(AnswerStream {
            hub: self.clone(),
            events: Events::new(self, response, false),
            answer: Answer::default(),
            asked_at,
            first_text: None,
        })
    }

    /// The whole answer in one piece.
    pub(crate) async fn ask_plainly(
        &self,
        request: &ChatRequest,
    ) -> Result<(String, Answer), HubError> {
        let body = self.body(request)?;
        let response = self.post("/v1/chat/completions", &body).await?;
        let bytes = response.bytes().await.map_err(|error| self.lost(&error))?;
        let mut answer = Answer::default();
        let text = answer.take(self.chunk(&bytes)?).unwrap_or_default();
        Ok((text, answer))
    }

    fn chunk(&self, json: &[u8]) -> Result<Chunk, HubError> {
        let mut chunk: Chunk =
            serde_json::from_slice(json).map_err(|error| self.unreadable(&error))?;
        match chunk.error.take() {
            Some(error) => Err(error.into()),
            None => Ok(chunk),
        }
    }

    fn body(&self, request: &ChatRequest) -> Result<Value, HubError> {
        serde_json::to_value(request).map_err(|error| self.unreadable(&error))
    }
}

impl AnswerStream {
    /// The next piece of text; None at the answer's end.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, HubError> {
        loop {
            let Some(data) = self.events.next().await? else {
                // Only `[DONE]` says that the answer is whole.
                return Err(self.hub.unreachable(Lack::Broken));
            };
            if data == "[DONE]" {
                return Ok(None);
            }
            let chunk = self.hub.chunk(data.as_bytes())?;
            if let Some(text) = self.answer.take(chunk) {
                self.first_text
                    .get_or_insert_with(|| self.asked_at.elapsed());
                return Ok(Some(text));
            }
        }
    }

    /// What the end told, and how long it took from the question to the first text.
    pub(crate) fn end(self) -> (Answer, Option<Duration>) {
        (self.answer, self.first_text)
    }
}

impl Answer {
    /// Keeps what a chunk tells of the end; its text comes out.
    fn take(&mut self, chunk: Chunk) -> Option<String> {
        let Chunk {
            choices,
            usage,
            kipina,
            error: _,
        } = chunk;
        self.usage = usage.or(self.usage.take());
        self.report = kipina.or(self.report.take());
        let choice = choices.into_iter().next()?;
        self.finish_reason = choice.finish_reason.or(self.finish_reason.take());
        choice.delta.content.filter(|text| !text.is_empty())
    }

    pub(crate) fn is_cut_off(&self) -> bool {
        self.finish_reason.as_deref() == Some("length")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_holds_only_what_was_asked() {
        let request = ChatRequest {
            model: "m".to_owned(),
            messages: vec![Message::new("user", "hei")],
            ..ChatRequest::default()
        };
        assert_eq!(
            serde_json::to_value(&request).unwrap(),
            json!({ "model": "m", "messages": [{ "role": "user", "content": "hei" }] })
        );
    }

    #[test]
    fn a_team_s_numbers_go_out_as_they_were_written() {
        let sampling = Sampling::from(pipeline::Sampling {
            temperature: 0.7,
            top_k: 40,
            top_p: 0.95,
            repeat_penalty: 1.1,
            max_tokens: 9,
        });
        let json = serde_json::to_string(&sampling).unwrap();
        assert_eq!(
            json,
            r#"{"temperature":0.7,"top_k":40,"top_p":0.95,"repeat_penalty":1.1,"max_tokens":9}"#
        );
    }
}
