//! Gets one question of the team answered, however long hub and machines are away: what can be waited for is waited
//! for, within the person's patience. Follows the studio's `asking.ts`.

use std::time::{Duration, Instant};

use pipeline::{Finish, Request};

use super::judgement::{Judgement, judge, words_of};
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
        /// Who was asked in the end.
        model: String,
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
/// Losses that one question bears once the pipeline has heard of enough; other waits are none.
const MOST_LOSSES: u32 = 5;
/// No tokenizer has longer tokens on average: what goes on past this is no answer of the length that was asked for.
const CHARACTERS_PER_TOKEN: usize = 24;

/// How often a question came to nothing, and how often of those with a machine.
#[derive(Debug, Default)]
struct Refusals {
    all: u32,
    losses: u32,
}

impl Refusals {
    fn count(&mut self, judgement: &Judgement) {
        self.all += 1;
        self.losses += u32::from(*judgement == Judgement::Lost);
    }

    fn are_borne(&self) -> bool {
        self.losses <= MOST_LOSSES
    }
}

impl Asking {
    /// `is_patient`: losses are waited out here, since the pipeline would give up.
    pub(crate) async fn pursue(
        mut self,
        request: &Request,
        is_patient: bool,
        tell: impl Fn(News),
    ) -> Outcome {
        let mut refusals = Refusals::default();
        let mut waiting_since = None;
        loop {
            tell(News::Asking {
                model: self.model.clone(),
            });
            let mut text = String::new();
            let error = match self.answer(request, &mut text, &tell).await {
                Ok((finish, prompt_tokens)) => {
                    return Outcome::Answered {
                        model: self.model,
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
            let judgement = judge(&error);
            refusals.count(&judgement);
            let wait = match judgement {
                Judgement::Hub => Wait::Hub,
                Judgement::Nobody => Wait::Node(self.wish.clone()),
                Judgement::Busy => Wait::Turn,
                Judgement::Lost if is_patient && refusals.are_borne() => Wait::Again,
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
            tokio::time::sleep(pause(refusals.all, &error).min(left)).await;
            self.choose_again().await;
        }
    }

    /// Once nobody has the model any more, any other that the person's wish allows will do.
    async fn choose_again(&mut self) {
        if let Ok(models) = self.hub.models().await
            && !models.iter().any(|model| model.id == self.model)
            && let Ok(Some(other)) = self.hub.model_for(self.wish.as_deref()).await
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
    fn only_losses_are_counted_as_losses() {
        let mut refusals = Refusals::default();
        for waited in [Judgement::Busy, Judgement::Hub, Judgement::Nobody] {
            for _ in 0..10 {
                refusals.count(&waited);
            }
        }
        for _ in 0..MOST_LOSSES {
            refusals.count(&Judgement::Lost);
            assert!(refusals.are_borne());
        }
        refusals.count(&Judgement::Lost);
        assert!(!refusals.are_borne());
        assert_eq!(refusals.all, 30 + MOST_LOSSES + 1);
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
