//! What judges found, and what becomes of that; or that one could not tell.

use std::time::SystemTime;

use protocol::{AuditResult, LlmErrorCode, TaskId};
use scheduler::NodeId;
use scheduler::audit::{self, Identity, Runtime, Subject, Verdict};
use tokio::time::Instant;

use super::waiting::{Purpose, Trial, Waiting};
use super::{Audits, Evidence};
use crate::dispatch::{AuditRecord, Record};

impl Audits {
    /// What an auditor found, or why it could not judge. Returns who is to be suspended.
    pub(super) fn judged(
        &mut self,
        auditor: NodeId,
        auditor_id: &str,
        task_id: &TaskId,
        found: Result<AuditResult, LlmErrorCode>,
    ) -> Option<Identity> {
        let waiting = self.work.done(auditor, task_id)?;
        let found = match found {
            Ok(found) => found,
            Err(code) => {
                self.unjudged(auditor, waiting, code);
                return None;
            }
        };
        self.judges.succeeded(auditor, &waiting.digest);
        match waiting.purpose {
            Purpose::Trial(trial) => self.tried(
                auditor_id,
                &trial,
                &waiting.evidence,
                &found.sampling_margins,
            ),
            Purpose::Contest(reply) => {
                // Whoever asked may have gone.
                let _ = reply.send(Some(found));
                None
            }
        }
    }

    /// Another judge may be able to.
    fn unjudged(&mut self, auditor: NodeId, mut waiting: Waiting, code: LlmErrorCode) {
        match code {
            // Whoever judges finds the same.
            LlmErrorCode::InvalidRequest => return self.missed(waiting.is_contest()),
            LlmErrorCode::ContextLengthExceeded => {
                waiting.outgrows(self.judges.context_length(auditor, &waiting.digest));
            }
            _ => self.judges.failed(auditor, &waiting.digest, Instant::now()),
        }
        self.try_again(waiting);
    }

    fn try_again(&mut self, waiting: Waiting) {
        let is_contest = waiting.is_contest();
        let has_judge = self.judges.any(waiting.needed());
        if !has_judge || !self.work.again(waiting) {
            self.missed(is_contest);
        }
    }

    /// Who waits for a contest hears of it, since nobody answers him any more.
    fn missed(&mut self, is_contest: bool) {
        self.counts.missed += u64::from(!is_contest);
    }

    pub(in crate::dispatch) fn expire(&mut self) {
        let now = Instant::now();
        let overdue = self.work.expire(now);
        for waiting in overdue.unbegun {
            self.missed(waiting.is_contest());
        }
        for (auditor, waiting) in overdue.unfinished {
            self.judges.failed(auditor, &waiting.digest, now);
            self.try_again(waiting);
        }
    }

    fn tried(
        &mut self,
        auditor_id: &str,
        trial: &Trial,
        evidence: &Evidence,
        margins: &[f32],
    ) -> Option<Identity> {
        self.counts.judged += 1;
        // Judged twice over would count twice.
        if self.standings.is_suspended(&trial.subject.identity) {
            return None;
        }
        let evidence = audit::Evidence {
            auditor: Runtime::Engine,
            audited: trial.audited,
            sampled: trial.sampled,
            margins: evidence.own(margins),
        };
        let (subject, verdict) = match self.standings.judge(&trial.subject, evidence) {
            Some(verdict) => (trial.subject.clone(), verdict),
            None => {
                let newcomers = trial.newcomers.as_ref()?;
                let standings = &mut self.standings;
                standings.judge_newcomer(&trial.subject, newcomers, evidence)?
            }
        };
        let good_verdicts = self.standings.standing(&subject).good_verdicts;
        self.sink.record(Record::Audited(AuditRecord {
            at: SystemTime::now(),
            node_id: trial.node_id.to_string(),
            node_name: trial.node_name.clone(),
            model: trial.model.clone(),
            auditor_id: auditor_id.to_owned(),
            sampled: trial.sampled,
            verdict,
            good_verdicts,
            subject: subject.clone(),
        }));
        if verdict.good {
            return None;
        }
        self.counts.faults += 1;
        self.work.drop_trials_of(&subject.identity);
        warn(trial, &subject, verdict);
        Some(subject.identity)
    }
}

fn warn(trial: &Trial, subject: &Subject, verdict: Verdict) {
    let others = if subject.identity == trial.subject.identity {
        ""
    } else {
        " and all that are new behind its address, since one name after another was given up there,"
    };
    tracing::warn!(
        "{} ('{}'){others} is suspended: over {} tokens the answers with '{}' lie {:.3} below what the \
         model would have said, and {:.3} is the most of an honest node; reinstate it in the admin \
         pages if you know better",
        trial.node_id,
        trial.node_name,
        verdict.tokens,
        trial.model,
        verdict.mean_margin,
        verdict.threshold,
    );
}
