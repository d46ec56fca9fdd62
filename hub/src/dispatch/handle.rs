//! The handle that everyone but the dispatcher's own task holds.

use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use protocol::{Catalogue, PromptRequest, TaskId};
use scheduler::{ClientId, EnsembleId, PromptId, PromptProfile, Standing};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::asked::{Asked, Attempt, Late, Wishes};
use super::fingerprint::prefixes;
use super::message::{Introduction, Membership, Origin, Report, Request};
use super::operators::OperatorRequest;
use super::prompt::{Prompt, Reader};
use super::task::Task;
use super::{
    Answer, DispatchSettings, Load, OutcomeSink, PromptSubmission, Refusal, Snapshot, estimate,
};
use crate::keys::Bill;

/// Reports that may wait for the dispatcher; a session that finds no room waits.
const REPORTS: usize = 1024;

/// For close frames to reach the nodes when the hub stops.
const FAREWELL: Duration = Duration::from_secs(3);

/// A handle to the one task that owns the scheduler. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    pub(super) requests: mpsc::UnboundedSender<Request>,
    reports: mpsc::Sender<Report>,
    shared: Arc<Shared>,
}

/// What never changes, but for the count.
struct Shared {
    /// Makes ids of this run differ from those of every run before.
    run: String,
    next_prompt: AtomicU64,
    /// Makes fingerprints of prompts mean nothing outside this run.
    fingerprints: RandomState,
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
            fingerprints: RandomState::new(),
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
        self.ask(submission).answer().await
    }

    /// Sends the prompt off, and leaves the waiting to whoever asks.
    pub fn ask(&self, submission: PromptSubmission) -> Asked {
        self.ask_in(submission, None)
    }

    pub(super) fn ask_in(
        &self,
        submission: PromptSubmission,
        ensemble: Option<EnsembleId>,
    ) -> Asked {
        let PromptSubmission {
            mut request,
            preference,
            demand,
            owner,
            bill,
            resume,
        } = submission;
        // The hub's, not a node's: whoever goes on with another's answer, or judges it, draws with it too. Every
        // server knows seeds of this size.
        let seed = &mut request.sampling.seed;
        seed.get_or_insert_with(|| i64::from(fastrand::i32(0..i32::MAX)));
        let wishes = Wishes {
            preference,
            demand,
            owner,
            resume,
            ensemble,
        };
        let (tell_late, late) = oneshot::channel();
        let (first, prompt) = self.attempt(request, &wishes, bill, Some(tell_late));
        self.send(prompt, &wishes, None);
        Asked {
            dispatcher: self.clone(),
            wishes,
            first,
            late: Some(late),
        }
    }

    pub(super) fn second_attempt(&self, wishes: &Wishes, late: Late, first: PromptId) -> Attempt {
        let Late {
            request,
            node,
            bill,
            submitted,
        } = late;
        let bill = bill.of_second_attempt();
        let (second, mut prompt) = self.attempt(request, wishes, bill, None);
        prompt.stands_in_for(node, submitted);
        self.send(prompt, wishes, Some(first));
        second
    }

    fn attempt(
        &self,
        request: PromptRequest,
        wishes: &Wishes,
        bill: Bill,
        late: Option<oneshot::Sender<Late>>,
    ) -> (Attempt, Box<Prompt>) {
        let id = PromptId(self.shared.next_prompt.fetch_add(1, Ordering::Relaxed));
        let task_id = TaskId(format!("task-{}-{}", self.shared.run, id.0));
        let (beginning, begun) = oneshot::channel();
        let (token_sender, tokens) = mpsc::channel(self.shared.settings.answer_buffer.max(1));
        let (ending_sender, ending) = oneshot::channel();
        let reader = Reader {
            beginning: Some(beginning),
            late,
            tokens: token_sender,
            ending: ending_sender,
        };
        let sink = Arc::clone(&self.shared.sink);
        let mut prompt = Prompt::new(
            id,
            task_id.clone(),
            request,
            bill,
            wishes.resume,
            reader,
            sink,
        );
        prompt.owner.clone_from(&wishes.owner);
        let attempt = Attempt {
            id,
            task_id,
            begun,
            tokens,
            ending,
            guard: CancelOnDrop {
                prompt: id,
                requests: Some(self.requests.clone()),
            },
        };
        (attempt, Box::new(prompt))
    }

    /// The profile is made here and not in the dispatcher's task: long prompts take time to look at.
    fn send(&self, prompt: Box<Prompt>, wishes: &Wishes, hedges: Option<PromptId>) {
        let request = &prompt.request;
        let profile = Box::new(PromptProfile {
            model: request.model.clone(),
            preference: wishes.preference,
            demand: wishes.demand,
            owner: wishes.owner.clone(),
            client: ClientId(prompt.client().number()),
            prompt_tokens: estimate::prompt_tokens(request),
            answer_tokens: estimate::answer_tokens(request),
            prefixes: prefixes(request, &self.shared.fingerprints),
            hedges,
            resumable: prompt.is_resumable(),
            ensemble: wishes.ensemble,
        });
        // Where the dispatcher is gone, the prompt is dropped here, which its reader notices.
        let _ = self.requests.send(Request::Submit { prompt, profile });
    }

    /// Where a prompt stands in the queue; none where it does not wait.
    pub(super) async fn standing(&self, prompt: PromptId) -> Option<Standing> {
        self.request(|reply| Request::Standing(prompt, reply))
            .await
            .flatten()
    }

    /// Nodes, queue and models as they are now; nothing of a dispatcher that stopped.
    pub async fn snapshot(&self) -> Snapshot {
        self.request(Request::Snapshot).await.unwrap_or_default()
    }

    /// How busy everything is; none where the dispatcher has ended.
    pub async fn load(&self) -> Option<Load> {
        self.request(Request::Load).await
    }

    /// While nodes are expected, prompts wait for them even where none is here.
    pub(crate) fn expect_nodes(&self, expected: bool) {
        // A dispatcher that is gone expects nobody.
        let _ = self.requests.send(Request::ExpectNodes(expected));
    }

    /// Another process takes new prompts: answers those that are here, and lets each node go as soon as it is idle.
    /// Returns once none of either is left, or `patience` has run out.
    pub(crate) async fn leave(&self, patience: Duration) {
        if timeout(patience, self.request(Request::Leave))
            .await
            .is_err()
        {
            tracing::warn!(
                "prompts still run {} s after the handover",
                patience.as_secs()
            );
        }
    }

    /// Takes no more prompts, lets those that run finish within `patience`, then closes every
    /// node's connection, which ends what still runs.
    pub async fn drain(&self, patience: Duration) {
        if timeout(patience, self.request(Request::Drain))
            .await
            .is_err()
        {
            tracing::warn!(
                "prompts still run after {} s; ending them",
                patience.as_secs()
            );
        }
        if timeout(FAREWELL, self.request(Request::CloseNodes))
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
        origin: Origin,
    ) -> Option<Membership> {
        let (membership, joined) = oneshot::channel();
        let introduction = Box::new(introduction);
        self.report(Report::Joined {
            introduction,
            origin,
            membership,
        })
        .await;
        joined.await.ok()
    }

    pub(crate) async fn report(&self, report: Report) {
        // A dispatcher that is gone needs no reports: the process is ending. Asking for room first keeps the
        // report once in what waits, which every session has room for.
        if let Ok(room) = self.reports.reserve().await {
            room.send(report);
        }
    }

    pub(super) async fn operate<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> OperatorRequest,
    ) -> Option<T> {
        self.request(|reply| Request::Operate(request(reply))).await
    }

    pub(super) fn decide(&self, request: OperatorRequest) {
        // A dispatcher that is gone has nothing left to decide about.
        let _ = self.requests.send(Request::Operate(request));
    }

    pub(super) async fn request<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Option<T> {
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
