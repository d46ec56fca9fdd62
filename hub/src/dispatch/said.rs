//! What of an answer reached its reader: what another node needs to go on from it, and whether one
//! may.

use protocol::{PromptInput, PromptRequest};

use super::Token;

/// What opens a tool call in the text of an answer.
const TOOL_CALL: &str = "<tool_call";

/// Beyond this a frame with the ids of all tokens would be no frame for a node.
const MOST_TOKEN_IDS: usize = 1 << 18;

/// A token that has no text yet has at least the bytes of half a character: more ids than this above
/// the bytes of their text are an invention.
const SILENT_TOKENS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Said {
    /// Kept only where another node may go on from it.
    text: String,
    /// Passed on so far, by all nodes together.
    tokens: u32,
    /// The tokens behind `text`; none once one of them is not known.
    token_ids: Option<Vec<u32>>,
    /// Whether the node that goes on has told ids: a frame without any then holds no new token.
    tells_ids: bool,
    /// Of the model that said it all: other weights may have another vocabulary.
    digest: Option<String>,
}

/// What a node is to answer where others may have begun.
#[derive(Debug, PartialEq)]
pub(crate) struct Rest {
    /// Its `max_tokens` are what is left of them.
    pub(crate) request: PromptRequest,
    pub(crate) continue_from: Option<String>,
    pub(crate) continue_token_ids: Vec<u32>,
}

/// Why nobody may go on with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsound {
    #[error("nobody goes on with it, as the request's \"resume\": false asks")]
    NotWanted,
    #[error("an answer in a given format can't be continued by another node")]
    Format,
    #[error("text between two others can't be continued by another node")]
    Between,
    #[error("an answer that has begun to call a tool can't be continued by another node")]
    ToolCall,
}

impl Said {
    pub(super) fn tokens(&self) -> u32 {
        self.tokens
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The tokens behind the text, where every one is known.
    pub(super) fn token_ids(&self) -> Option<&[u32]> {
        self.token_ids.as_deref()
    }

    /// Lets go of the text, and the tokens behind it where every one is known.
    pub(super) fn into_parts(self) -> (String, Option<Vec<u32>>) {
        (self.text, self.token_ids)
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// A node with this model has the prompt now.
    pub(super) fn goes_on_with(&mut self, digest: Option<&str>) {
        self.tells_ids = false;
        if self.text.is_empty() {
            // Tokens without any text were never said.
            self.tokens = 0;
            self.token_ids = digest.map(|_| Vec::new());
            self.digest = digest.map(str::to_owned);
        } else if digest.is_none() || self.digest.as_deref() != digest {
            self.token_ids = None;
        }
    }

    pub(super) fn keep(&mut self, token: &Token) {
        self.text.push_str(&token.text);
        let most = (self.text.len() + SILENT_TOKENS).min(MOST_TOKEN_IDS);
        let is_untold = token.token_ids.is_empty() && !token.text.is_empty();
        self.token_ids = self.token_ids.take().filter(|_| !is_untold);
        if let Some(ids) = &mut self.token_ids {
            ids.extend(&token.token_ids);
            if ids.len() > most {
                self.token_ids = None;
            }
        }
    }

    /// A frame reached the reader.
    pub(super) fn count(&mut self, token_ids: usize) {
        self.tells_ids |= token_ids > 0;
        let told = u32::try_from(token_ids).unwrap_or(u32::MAX);
        // Runtimes that tell no ids send a token a frame.
        let tokens = if self.tells_ids { told } else { 1 };
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// None where nothing is left to answer.
    pub(super) fn rest(&self, request: &PromptRequest) -> Option<Rest> {
        let mut request = request.clone();
        if let Some(most) = &mut request.sampling.max_tokens {
            *most = most.saturating_sub(self.tokens);
            if *most == 0 && self.tokens > 0 {
                return None;
            }
        }
        let begun = !self.text.is_empty();
        Some(Rest {
            request,
            continue_from: begun.then(|| self.text.clone()),
            continue_token_ids: self
                .token_ids
                .as_ref()
                .filter(|_| begun)
                .cloned()
                .unwrap_or_default(),
        })
    }

    /// Why no other node may go on from here.
    pub(super) fn unsound(&self, request: &PromptRequest) -> Option<Unsound> {
        unsound_from_the_start(request).or_else(|| {
            let may_call =
                matches!(&request.input, PromptInput::Chat { tools, .. } if !tools.is_empty());
            (may_call && begins_a_call(&self.text)).then_some(Unsound::ToolCall)
        })
    }
}

/// Why no node may ever go on with an answer to this. A backend applies a format from the first token
/// that it makes, so what goes on from the middle of some JSON would be another whole one.
pub(super) fn unsound_from_the_start(request: &PromptRequest) -> Option<Unsound> {
    let is_text = |format: &serde_json::Value| format["type"].as_str() == Some("text");
    if request
        .response_format
        .as_ref()
        .is_some_and(|format| !is_text(format))
    {
        return Some(Unsound::Format);
    }
    let between = matches!(
        &request.input,
        PromptInput::Raw {
            suffix: Some(_),
            ..
        }
    );
    between.then_some(Unsound::Between)
}

/// Models write a call in a tag of its own, or as nothing but JSON or a list of it.
fn begins_a_call(text: &str) -> bool {
    let begins_in_a_tag = TOOL_CALL
        .char_indices()
        .skip(1)
        .any(|(length, _)| text.ends_with(&TOOL_CALL[..length]));
    begins_in_a_tag || text.contains(TOOL_CALL) || text.trim_start().starts_with(['{', '[', '<'])
}

#[cfg(test)]
mod tests;
