//! Audits that wait for a node with time, and those under way: bounded in number, size and time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use protocol::{AuditPrompt, AuditResult, PromptInput, TaskId};
use scheduler::NodeId;
use scheduler::audit::{Identity, Runtime, Sampled, Subject};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Evidence;

/// Audits that may wait. More would only be older.
const MOST_WAITING: usize = 32;

/// The longest prompt and answer together that are kept for an audit.
const MOST_BYTES: usize = 256 << 10;

/// What is judged of an answer; 300 tokens are a small part of it.
const MOST_ANSWER_BYTES: usize = 64 << 10;

/// For a node to find the time, which a busy network may never have.
const PATIENCE: Duration = Duration::from_secs(120);

/// For an engine to judge one answer, prompts that come between included.
const JUDGING: Duration = Duration::from_secs(600);

/// Whose answer it is, for the verdict.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    pub(super) node_id: Arc<str>,
    pub(super) node_name: String,
    pub(super) model: String,
    pub(super) audited: Runtime,
    pub(super) subject: Subject,
    pub(super) sampled: Sampled,
}

/// What the judgement is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// Whether the node is honest.
    Trial(Trial),
    /// Which answer is best; somebody waits for it.
    Contest(oneshot::Sender<Option<AuditResult>>),
}

#[derive(Debug)]
pub(super) struct Waiting {
    evidence: Evidence,
    /// Of the weights that judge.
    digest: String,
    purpose: Purpose,
    until: Instant,
}

#[derive(Debug)]
struct Running {
    auditor: NodeId,
    waiting: Waiting,
    until: Instant,
}

#[derive(Debug)]
pub(super) struct Work {
    run: String,
    next_task: u64,
    waiting: VecDeque<Waiting>,
    running: HashMap<TaskId, Running>,
}

impl Waiting {
    pub(super) fn new(mut evidence: Evidence, digest: String, purpose: Purpose) -> Self {
        evidence.shorten(MOST_ANSWER_BYTES);
        Self {
            evidence,
            digest,
            purpose,
            until: Instant::now() + PATIENCE,
        }
    }

    fn is_abandoned(&self) -> bool {
        matches!(&self.purpose, Purpose::Contest(reply) if reply.is_closed())
    }

    pub(super) fn is_contest(&self) -> bool {
        matches!(self.purpose, Purpose::Contest(_))
    }

    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    fn bytes(&self) -> usize {
        let prompt = match &self.evidence.request.input {
            PromptInput::Chat { messages, .. } => messages.iter().map(|m| m.content.len()).sum(),
            PromptInput::Raw { prompt, .. } => prompt.len(),
        };
        self.evidence.answer.len() + prompt
    }

    fn prompt(&self, task_id: TaskId, model: String) -> AuditPrompt {
        let mut request = self.evidence.request.clone();
        request.model = model;
        AuditPrompt {
            task_id,
            request,
            answer: self.evidence.answer.clone(),
            answer_token_ids: self.evidence.token_ids.clone(),
            finish_reason: Some(self.evidence.finish_reason),
        }
    }
}

impl Work {
    pub(super) fn new(run: &str) -> Self {
        Self {
            run: run.to_owned(),
            next_task: 1,
            waiting: VecDeque::new(),
            running: HashMap::new(),
        }
    }

    /// False where there is no room. Where somebody waits, there is: each waits for no more than a few.
    pub(super) fn wait(&mut self, waiting: Waiting) -> bool {
        if waiting.is_contest() {
            self.waiting.push_front(waiting);
            return true;
        }
        let has_room = self.waiting.len() < MOST_WAITING && waiting.bytes() <= MOST_BYTES;
        if has_room {
            self.waiting.push_back(waiting);
        }
        has_room
    }

    /// The first that somebody can take. `find` gets an audit and whether a node has an audit already,
    /// and gives the node and its name for the model.
    pub(super) fn next(
        &mut self,
        find: impl Fn(&Waiting, &dyn Fn(NodeId) -> bool) -> Option<(NodeId, String)>,
    ) -> Option<(NodeId, Box<AuditPrompt>)> {
        self.waiting.retain(|waiting| !waiting.is_abandoned());
        let busy = |node: NodeId| self.running.values().any(|running| running.auditor == node);
        let mut places = self.waiting.iter().enumerate();
        let (place, (auditor, model)) =
            places.find_map(|(place, waiting)| Some((place, find(waiting, &busy)?)))?;
        let waiting = self.waiting.remove(place)?;
        let task_id = TaskId(format!("audit-{}-{}", self.run, self.next_task));
        self.next_task += 1;
        let prompt = Box::new(waiting.prompt(task_id.clone(), model));
        let running = Running {
            auditor,
            waiting,
            until: Instant::now() + JUDGING,
        };
        self.running.insert(task_id, running);
        Some((auditor, prompt))
    }

    /// What it was for; none where nobody waits for it any more.
    pub(super) fn done(&mut self, auditor: NodeId, task_id: &TaskId) -> Option<Purpose> {
        let running = self.running.get(task_id)?;
        if running.auditor != auditor {
            return None;
        }
        let running = self.running.remove(task_id)?;
        Some(running.waiting.purpose)
    }

    pub(super) fn left(&mut self, auditor: NodeId) {
        let is_its = |_: &TaskId, running: &mut Running| running.auditor == auditor;
        for (_, running) in self.running.extract_if(is_its) {
            self.waiting.push_front(running.waiting);
        }
    }

    /// Who was caught need not be caught again.
    pub(super) fn drop_trials_of(&mut self, identity: &Identity) {
        self.waiting.retain(|waiting| match &waiting.purpose {
            Purpose::Trial(trial) => trial.subject.identity != *identity,
            Purpose::Contest(_) => true,
        });
    }

    /// Forgets everything, and tells how much that was.
    pub(super) fn give_up(&mut self) -> u64 {
        let given_up = self.waiting.len() + self.running.len();
        self.waiting.clear();
        self.running.clear();
        given_up as u64
    }

    /// Forgets what took too long, and tells how many that were.
    pub(super) fn expire(&mut self, now: Instant) -> u64 {
        let before = self.waiting.len() + self.running.len();
        self.waiting.retain(|waiting| waiting.until > now);
        self.running.retain(|_, running| running.until > now);
        (before - self.waiting.len() - self.running.len()) as u64
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let waiting = self.waiting.iter().map(|waiting| waiting.until);
        let running = self.running.values().map(|running| running.until);
        waiting.chain(running).min()
    }

    pub(super) fn counts(&self) -> (usize, usize) {
        (self.waiting.len(), self.running.len())
    }
}
