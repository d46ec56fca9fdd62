//! The handle that everyone but the dispatcher's own task holds.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use protocol::{Catalogue, Owner, PromptRequest, TaskId};
use scheduler::{EnsembleId, NodePreference, PromptId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::message::{Introduction, Membership, Report, Request};
use super::prompt::{Prompt, Reader};
use super::task::Task;
use super::{Answer, AuditSettings, OutcomeSink, Refusal, Snapshot, estimate};
use crate::keys::Bill;

/// Reports that may wait for the dispatcher; a session that finds no room waits.
const REPORTS: usize = 1024;

/// For close frames to reach the nodes when the hub stops.
const FAREWELL: Duration = Duration::from_secs(3);

/// Limits of the dispatcher. The defaults suit a public hub.
#[derive(Clone, Debug)]
pub struct DispatchSettings {
    /// Prompts that may wait for one model.
    pub queue_length: usize,
    /// How long a prompt may wait for a node.
    pub queue_deadline: Duration,
    /// How long a prompt may wait where the last node that could answer it is gone.
    pub stranded_deadline: Duration,
    /// Nodes that are tried before a prompt is given up.
    pub attempts: u32,
    /// Frames of an answer that may wait for its reader.
    pub answer_buffer: usize,
    /// How often answers are audited.
    pub audits: AuditSettings,
}

impl Default for DispatchSettings {
    fn default() -> Self {
        Self {
            queue_length: 64,
            queue_deadline: Duration::from_secs(120),
            stranded_deadline: Duration::from_secs(15),
            attempts: 3,
            answer_buffer: 1024,
            audits: AuditSettings::default(),
        }
    }
}

/// A prompt on its way in.
#[derive(Clone, Debug)]
pub struct PromptSubmission {
    /// `request.model` may be a model's id, an alias or a family.
    pub request: PromptRequest,
    pub preference: NodePreference,
    /// What the key that it was sent with demands beside that.
    pub demand: NodePreference,
    /// Whose prompt it is: it may go to that owner's nodes, too.
    pub owner: Option<Owner>,
    /// For whom it is counted.
    pub bill: Bill,
}

impl PromptSubmission {
    /// A guess at the tokens of prompt and answer.
    pub fn expected_tokens(&self) -> u32 {
        estimate::prompt_tokens(&self.request)
            .saturating_add(estimate::answer_tokens(&self.request))
    }
}

/// A handle to the one task that owns the scheduler. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    requests: mpsc::UnboundedSender<Request>,
    reports: mpsc::Sender<Report>,
    shared: Arc<Shared>,
}

/// What never changes, but for the count.
struct Shared {
    /// Makes ids of this run differ from those of every run before.
    run: String,
    next_prompt: AtomicU64,
    settings: DispatchSettings,
    sink: Arc<dyn OutcomeSink>,
}

impl Dispatcher {
    /// Starts the dispatcher's task on the current runtime.
    pub fn start(
        settings: DispatchSettings,
        catalogue: &Catalogue,
        sink: Arc<dyn OutcomeSink>,
    ) -> Self {
        // Unbounded, because a cancel is sent where nothing can wait. Every request is one HTTP
        // request's, so their number is bounded where those are let in.
        let (requests, request_inbox) = mpsc::unbounded_channel();
        let (reports, report_inbox) = mpsc::channel(REPORTS);
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let run = format!("{:x}", since_1970.unwrap_or_default().as_millis());
        let task = Task::new(&settings, catalogue, run.clone(), Arc::clone(&sink));
        tokio::spawn(task.run(request_inbox, report_inbox));
        let next_prompt = AtomicU64::new(1);
        let shared = Shared {
            run,
            next_prompt,
            settings,
            sink,
        };
        Self {
            requests,
            reports,
            shared: Arc::new(shared),
        }
    }

    /// Waits for the first event: the answer's first token, or why there will be none.
    ///
    /// Dropping the future cancels the prompt, as dropping the [`Answer`] does later.
    pub async fn submit(&self, submission: PromptSubmission) -> Result<Answer, Refusal> {
        self.submit_to(submission, None).await
    }

    pub(super) async fn submit_to(
        &self,
        submission: PromptSubmission,
        ensemble: Option<EnsembleId>,
    ) -> Result<Answer, Refusal> {
        let PromptSubmission {
            request,
            preference,
            demand,
            owner,
            bill,
        } = submission;
        let id = PromptId(self.shared.next_prompt.fetch_add(1, Ordering::Relaxed));
        let task_id = TaskId(format!("task-{}-{}", self.shared.run, id.0));
        let (beginning, begun) = oneshot::channel();
        let (token_sender, tokens) = mpsc::channel(self.shared.settings.answer_buffer.max(1));
        let (ending_sender, ending) = oneshot::channel();
        let reader = Reader {
            beginning: Some(beginning),
            tokens: token_sender,
            ending: ending_sender,
        };
        let sink = Arc::clone(&self.shared.sink);
        let prompt = Box::new(Prompt::new(
            id,
            task_id.clone(),
            request,
            bill,
            reader,
            sink,
        ));

        let mut guard = CancelOnDrop {
            prompt: id,
            requests: Some(self.requests.clone()),
        };
        let sent = self.requests.send(Request::Submit {
            prompt,
            preference,
            demand,
            owner,
            ensemble,
        });
        // A prompt that is dropped without a word was dropped by a hub that is going down.
        let begun = match sent {
            Ok(()) => begun.await.unwrap_or(Err(Refusal::Stopping)),
            Err(_stopped) => Err(Refusal::Stopping),
        };
        let beginning = begun.inspect_err(|_| guard.disarm())?;
        Ok(Answer {
            task_id,
            node: beginning.node,
            model: beginning.model,
            queued: beginning.queued,
            first_token: beginning.first_token,
            tokens,
            ending: Some(ending),
            guard,
        })
    }

    /// Nodes, queue and models as they are now; nothing of a dispatcher that stopped.
    pub async fn snapshot(&self) -> Snapshot {
        self.ask(Request::Snapshot).await.unwrap_or_default()
    }

    /// Lets a node that an audit caught answer again, and every other of the same owner. False where
    /// there is no such node, or it was not suspended.
    pub async fn pardon(&self, node_id: &str) -> bool {
        let node_id = node_id.to_owned();
        let pardoned = self.ask(|reply| Request::Pardon(node_id, reply)).await;
        pardoned.unwrap_or_default()
    }

    /// Takes no more prompts, lets those that run finish within `patience`, then closes every
    /// node's connection, which ends what still runs.
    pub async fn drain(&self, patience: Duration) {
        if timeout(patience, self.ask(Request::Drain)).await.is_err() {
            tracing::warn!(
                "prompts still run after {} s; ending them",
                patience.as_secs()
            );
        }
        if timeout(FAREWELL, self.ask(Request::CloseNodes))
            .await
            .is_err()
        {
            tracing::warn!("some nodes did not close their connections; leaving them");
        }
    }

    /// Makes a node known. None where the hub takes no more nodes.
    pub(crate) async fn join(
        &self,
        introduction: Introduction,
        address: IpAddr,
    ) -> Option<Membership> {
        let (membership, joined) = oneshot::channel();
        let introduction = Box::new(introduction);
        self.report(Report::Joined {
            introduction,
            address,
            membership,
        })
        .await;
        joined.await.ok()
    }

    pub(crate) async fn report(&self, report: Report) {
        // A dispatcher that is gone needs no reports: the process is ending.
        let _ = self.reports.send(report).await;
    }

    pub(super) fn send(&self, request: Request) -> Result<(), Refusal> {
        self.requests
            .send(request)
            .map_err(|_stopped| Refusal::Stopping)
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (reply, replied) = oneshot::channel();
        self.requests.send(request(reply)).ok()?;
        replied.await.ok()
    }
}

/// Cancels its prompt when dropped, unless the prompt came to its end before.
#[derive(Debug)]
pub(super) struct CancelOnDrop {
    prompt: PromptId,
    requests: Option<mpsc::UnboundedSender<Request>>,
}

impl CancelOnDrop {
    pub(super) fn disarm(&mut self) {
        self.requests = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(requests) = self.requests.take() {
            // A dispatcher that is gone has nothing left to cancel.
            let _ = requests.send(Request::Cancel(self.prompt));
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}
