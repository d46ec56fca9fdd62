//! One question to several nodes: the answer that a trusted engine finds likeliest is the answer.

use futures_util::future::join_all;
use protocol::AuditResult;
use scheduler::{ClientId, EnsembleId, PromptProfile};
use tokio::sync::{mpsc, oneshot};

use super::audits::{Evidence, Question};
use super::message::Request;
use super::{Answer, AnswerEvent, Dispatcher, Done, PromptSubmission, Refusal, Token, estimate};

/// An answer that came to its end.
#[derive(Debug)]
struct Whole {
    answer: Answer,
    tokens: Vec<Token>,
    done: Done,
}

impl Dispatcher {
    /// Whether so many nodes could answer, and somebody judge them.
    pub async fn ensemble(
        &self,
        submission: &PromptSubmission,
        size: u32,
    ) -> Result<EnsembleId, Refusal> {
        let profile = Box::new(PromptProfile {
            model: submission.request.model.clone(),
            preference: submission.preference,
            demand: submission.demand,
            owner: submission.owner.clone(),
            client: ClientId(submission.bill.client.number()),
            prompt_tokens: estimate::prompt_tokens(&submission.request),
            answer_tokens: 0,
            prefixes: Vec::new(),
            hedges: None,
            resumable: false,
            ensemble: None,
        });
        let asked = self.request(|reply| {
            Request::Audits(Question::Ensemble {
                profile,
                size: size as usize,
                reply,
            })
        });
        asked.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// As [`Self::submit`], but so many nodes answer, and the best answer begins once all have ended.
    ///
    /// Where nobody could be judged in the end, the first whole answer is the best.
    pub async fn submit_ensemble(
        &self,
        submission: PromptSubmission,
        ensemble: EnsembleId,
        size: u32,
    ) -> Result<Answer, Refusal> {
        let members = (0..size).map(|member| {
            let mut submission = submission.clone();
            // The same seed would have equal nodes give the same answer.
            let seed = &mut submission.request.sampling.seed;
            *seed = seed.map(|seed| seed.wrapping_add(i64::from(member)));
            // One request, however many answer it.
            submission.bill.is_request = member == 0;
            if let Some(reserved) = &mut submission.bill.reserved {
                reserved.tokens = share(reserved.tokens, member, size);
            }
            self.member(submission, ensemble)
        });
        let mut best: Option<(f64, Whole)> = None;
        let mut refusal = Refusal::Stopping;
        for member in join_all(members).await {
            match member {
                Ok((score, whole)) => {
                    if best.as_ref().is_none_or(|(least, _)| score < *least) {
                        best = Some((score, whole));
                    }
                }
                Err(refused) => refusal = refused,
            }
        }
        let (_, best) = best.ok_or(refusal)?;
        Ok(best.told_again())
    }

    /// One node's answer, and how far it lies below the likeliest in the mean.
    async fn member(
        &self,
        submission: PromptSubmission,
        ensemble: EnsembleId,
    ) -> Result<(f64, Whole), Refusal> {
        let mut request = submission.request.clone();
        let mut answer = self.ask_in(submission, Some(ensemble)).answer().await?;
        request.model.clone_from(&answer.model);
        let mut tokens = Vec::new();
        let done = loop {
            match answer.next().await {
                Some(AnswerEvent::Token(token)) => tokens.push(token),
                Some(AnswerEvent::Done(done)) => break done,
                Some(AnswerEvent::Failed(failure)) => return Err(failure.into()),
                None => return Err(Refusal::Stopping),
            }
        };
        let evidence = Evidence {
            request,
            owner: None,
            offered: None,
            answer: tokens.iter().map(|token| token.text.as_str()).collect(),
            token_ids: tokens
                .iter()
                .flat_map(|token| token.token_ids.clone())
                .collect(),
            others_tokens: 0,
            finish_reason: Some(done.finish_reason),
        };
        let _leaving = TellOnDrop(self.requests.clone());
        let found = self.request(|reply| {
            Request::Audits(Question::Judge {
                node_id: done.node.id.clone(),
                evidence: Box::new(evidence),
                reply,
            })
        });
        let found = found.await.flatten();
        let score = found
            .as_ref()
            .and_then(mean_margin)
            .unwrap_or(f64::INFINITY);
        let whole = Whole {
            answer,
            tokens,
            done,
        };
        Ok((score, whole))
    }
}

/// Has the judge stop where nobody waits for it any more.
struct TellOnDrop(mpsc::UnboundedSender<Request>);

impl Drop for TellOnDrop {
    fn drop(&mut self) {
        // A dispatcher that is gone judges nothing.
        let _ = self.0.send(Request::Audits(Question::GaveUp));
    }
}

impl Whole {
    /// The answer as if it came only now, and all at once.
    fn told_again(self) -> Answer {
        let Self {
            mut answer,
            tokens,
            done,
        } = self;
        let (sender, receiver) = mpsc::channel(tokens.len().max(1));
        for token in tokens {
            // There is room for all of them.
            let _ = sender.try_send(token);
        }
        let (ending_sender, ending) = oneshot::channel();
        let _ = ending_sender.send(Ok(done));
        answer.tokens = receiver;
        answer.ending = Some(ending);
        answer
    }
}

/// What was set aside was for all of them.
fn share(tokens: u32, member: u32, size: u32) -> u32 {
    tokens / size + u32::from(member < tokens % size)
}

/// None of an answer without a token.
fn mean_margin(found: &AuditResult) -> Option<f64> {
    let margins = &found.logit_margins;
    let sum: f64 = margins.iter().map(|margin| f64::from(*margin)).sum();
    (!margins.is_empty()).then(|| sum / margins.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_aside_is_shared_out_to_the_last_token() {
        let shares = |tokens| [0, 1, 2].map(|member| share(tokens, member, 3));
        assert_eq!(shares(300), [100, 100, 100]);
        assert_eq!(shares(302), [101, 101, 100]);
        assert_eq!(shares(1), [1, 0, 0]);
    }
}
