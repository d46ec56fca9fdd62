//! Gets one question of the team answered, however long hub and machines are away: what can be waited for is waited
//! for, within the person's patience. Follows the studio's `asking.ts` and `judgement.ts`.

use std::time::{Duration, Instant};

use pipeline::{Finish, Request};

use crate::{
    error::Failure,
    hub::{ChatRequest, Hub, HubError, Message},
};

/// What a question waits for before anybody answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Hub,
    /// Somebody with this model; None: with any.
    Node(Option<String>),
    Turn,
    /// Machines were lost with it; a moment's peace first.
    Again,
}

/// What becomes of a question while it is open.
#[derive(Clone, Debug)]
pub(crate) enum News {
    Asking {
        model: String,
    },
    Waiting(Wait),
    /// The answer so far has so many lines.
    Text {
        lines: usize,
    },
}

/// What became of it in the end.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answered {
        text: String,
        finish: Finish,
        /// Of the question, as the hub tells.
        prompt_tokens: Option<u64>,
    },
    /// A machine was lost with it.
    Lost { message: String },
    /// It does not fit the machine's window.
    Window { message: String },
    /// Asking again would come to the same.
    Hopeless(HubError),
    /// It was waited for long enough.
    GivenUp(Failure),
}

/// Who is asked, and how patiently.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) hub: Hub,
    /// The person's; None: whichever answers.
    pub(crate) wish: Option<String>,
    /// What was chosen by it.
    pub(crate) model: String,
    pub(crate) patience: Duration,
}

const LEAST_PAUSE: Duration = Duration::from_secs(1);
const MOST_PAUSE: Duration = Duration::from_secs(30);
/// Losses in a row that one question bears once the pipeline has heard of enough.
const MOST_LOSSES: u32 = 5;
/// No tokenizer has longer tokens on average: what goes on past this is no answer of the length that was asked for.
const CHARACTERS_PER_TOKEN: usize = 24;

enum Judgement {
    Hub,
    Nobody,
    Busy,
    Lost,
    Window,
    Hopeless,
}

impl Asking {
    /// `is_patient`: losses are waited out here, since the pipeline would give up.
    pub(crate) async fn pursue(
        mut self,
        request: &Request,
        is_patient: bool,
        tell: impl Fn(News),
    ) -> Outcome {
        let mut refusals = 0;
        let mut waiting_since = None;
        loop {
            let model = self.model.clone();
            tell(News::Asking { model });
            let mut text = String::new();
            let error = match self.answer(request, &mut text, &tell).await {
                Ok((finish, prompt_tokens)) => {
                    return Outcome::Answered {
                        text,
                        finish,
                        prompt_tokens,
                    };
                }
                Err(error) => error,
            };
            if !text.is_empty() {
                waiting_since = None;
            }
            refusals += 1;
            let wait = match judge(&error) {
                Judgement::Hub => Wait::Hub,
                Judgement::Nobody => Wait::Node(self.wish.clone()),
                Judgement::Busy => Wait::Turn,
                Judgement::Lost if is_patient && refusals <= MOST_LOSSES => Wait::Again,
                Judgement::Lost => {
                    let message = words_of(&error);
                    return Outcome::Lost { message };
                }
                Judgement::Window => {
                    let message = words_of(&error);
                    return Outcome::Window { message };
                }
                Judgement::Hopeless => return Outcome::Hopeless(error),
            };
            let since = *waiting_since.get_or_insert_with(Instant::now);
            let left = self.patience.saturating_sub(since.elapsed());
            if left.is_zero() {
                return Outcome::GivenUp(error.into());
            }
            tell(News::Waiting(wait));
            tokio::time::sleep(pause(refusals, &error).min(left)).await;
            self.choose_again().await;
        }
    }

    /// Where the person wished for nothing, any model that answers will do.
    async fn choose_again(&mut self) {
        if self.wish.is_none()
            && let Ok(models) = self.hub.models().await
            && !models.iter().any(|model| model.id == self.model)
            && let Some(other) = models.into_iter().next()
        {
            self.model = other.id;
        }
    }

    async fn answer(
        &self,
        request: &Request,
        text: &mut String,
        tell: &impl Fn(News),
    ) -> Result<(Finish, Option<u64>), HubError> {
        let most = (request.sampling.max_tokens as usize + 64) * CHARACTERS_PER_TOKEN;
        let mut answer = self.hub.ask(&chat_request(request, &self.model)).await?;
        while let Some(piece) = answer.next().await? {
            text.push_str(&piece);
            tell(News::Text {
                lines: text.lines().count(),
            });
            if text.len() > most {
                text.truncate(text.floor_char_boundary(most));
                return Ok((Finish::Length, None));
            }
        }
        let (answer, _) = answer.end();
        let finish = if answer.is_cut_off() {
            Finish::Length
        } else {
            Finish::Stop
        };
        Ok((finish, answer.usage.map(|usage| usage.prompt_tokens)))
    }
}

fn chat_request(request: &Request, model: &str) -> ChatRequest {
    let messages = [
        ("system", &request.system),
        ("user", &request.user),
        ("assistant", &request.prefill),
    ];
    ChatRequest {
        model: model.to_owned(),
        messages: messages
            .into_iter()
            .filter(|(role, content)| *role == "user" || !content.is_empty())
            .map(|(role, content)| Message::new(role, content.as_str()))
            .collect(),
        sampling: request.sampling.into(),
        stop: request.stop.clone(),
    }
}

fn judge(error: &HubError) -> Judgement {
    let HubError::Refused { status, code, .. } = error else {
        return match error {
            HubError::Unreachable { .. } => Judgement::Hub,
            _ => Judgement::Lost,
        };
    };
    match (code.as_deref().unwrap_or_default(), *status) {
        ("no_node_available" | "model_not_found", _) => Judgement::Nobody,
        ("rate_limit_exceeded" | "queue_full" | "deadline_expired" | "hub_stopping", _) => {
            Judgement::Busy
        }
        ("context_length_exceeded", _) => Judgement::Window,
        ("invalid_api_key", _) | (_, 401 | 403) => Judgement::Hopeless,
        ("node_lost" | "out_of_memory", _) => Judgement::Lost,
        (_, 429 | 503) => Judgement::Busy,
        (_, 200 | 500..) => Judgement::Lost,
        _ => Judgement::Hopeless,
    }
}

/// The hub's own words; without any, the kind of failure.
fn words_of(error: &HubError) -> String {
    match error {
        HubError::Refused { message, .. } if !message.is_empty() => message.clone(),
        HubError::Refused { status, .. } => format!("HTTP {status}"),
        HubError::Unreachable { .. } => "unreachable".to_owned(),
        HubError::Unreadable { .. } => "unreadable".to_owned(),
    }
}

/// Twice as long each time, and never shorter than the hub asks for.
fn pause(refusals: u32, error: &HubError) -> Duration {
    let own = LEAST_PAUSE * 2u32.pow(refusals.saturating_sub(1).min(5));
    let asked = Duration::from_secs(error.retry_after_seconds().unwrap_or(0));
    own.max(asked).min(MOST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(seconds: Option<u64>) -> HubError {
        HubError::Refused {
            status: 503,
            code: None,
            message: String::new(),
            retry_after_seconds: seconds,
        }
    }

    #[test]
    fn pauses_grow_and_heed_the_hub_within_reason() {
        let seconds = |refusals, asked| pause(refusals, &refused(asked)).as_secs();
        let grown: Vec<u64> = (1..8).map(|refusals| seconds(refusals, None)).collect();
        assert_eq!(grown, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(seconds(1, Some(7)), 7);
        assert_eq!(seconds(1, Some(100_000)), 30);
    }
}
