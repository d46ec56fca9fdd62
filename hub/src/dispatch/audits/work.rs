//! Audits that wait for a node with time, and those under way: bounded in number, size and time.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use protocol::{AuditPrompt, TaskId};
use scheduler::NodeId;
use scheduler::audit::Identity;
use tokio::time::Instant;

use super::waiting::Waiting;

/// Audits that may wait. More would only be older.
const MOST_WAITING: usize = 32;

/// The longest prompt and answer together that are kept for an audit.
const MOST_BYTES: usize = 256 << 10;

/// For an engine to judge one answer, prompts that come between included.
const JUDGING: Duration = Duration::from_secs(600);

/// Judges that are asked about one answer until one can tell.
const MOST_JUDGES: u32 = 3;

#[derive(Debug)]
struct Running {
    auditor: NodeId,
    waiting: Waiting,
    until: Instant,
}

/// What took too long.
#[derive(Debug, Default)]
pub(super) struct Overdue {
    /// Nobody found the time.
    pub(super) unbegun: Vec<Waiting>,
    /// These did not come to the end.
    pub(super) unfinished: Vec<(NodeId, Waiting)>,
}

#[derive(Debug)]
pub(super) struct Work {
    run: String,
    next_task: u64,
    waiting: VecDeque<Waiting>,
    running: HashMap<TaskId, Running>,
    /// Nobody wants to know any more: the judges are to hear of it.
    cancelled: Vec<(NodeId, TaskId)>,
}

impl Work {
    pub(super) fn new(run: &str) -> Self {
        Self {
            run: run.to_owned(),
            next_task: 1,
            waiting: VecDeque::new(),
            running: HashMap::new(),
            cancelled: Vec::new(),
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

    /// A judge could not tell: another is asked before all that wait. False where enough were.
    pub(super) fn again(&mut self, mut waiting: Waiting) -> bool {
        waiting.failed += 1;
        if waiting.failed >= MOST_JUDGES {
            return false;
        }
        waiting.until = Instant::now() + waiting.patience;
        self.waiting.push_front(waiting);
        true
    }

    /// The first that somebody can take. `find` gets an audit and whether a node has an audit already,
    /// and gives the node and its name for the model.
    pub(super) fn next(
        &mut self,
        find: impl Fn(&Waiting, &dyn Fn(NodeId) -> bool) -> Option<(NodeId, String)>,
    ) -> Option<(NodeId, Box<AuditPrompt>)> {
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

    /// None where nobody waits for it any more.
    pub(super) fn done(&mut self, auditor: NodeId, task_id: &TaskId) -> Option<Waiting> {
        let running = self.running.get(task_id)?;
        if running.auditor != auditor {
            return None;
        }
        let running = self.running.remove(task_id)?;
        Some(running.waiting)
    }

    pub(super) fn left(&mut self, auditor: NodeId) {
        let is_its = |_: &TaskId, running: &mut Running| running.auditor == auditor;
        for (_, running) in self.running.extract_if(is_its) {
            self.waiting.push_front(running.waiting);
        }
        self.cancelled.retain(|(judge, _)| *judge != auditor);
    }

    /// Who was caught need not be caught again.
    pub(super) fn drop_trials_of(&mut self, identity: &Identity) {
        self.waiting
            .retain(|waiting| !waiting.is_trial_of(identity));
        self.cancel(|waiting| waiting.is_trial_of(identity));
    }

    /// Whoever waits is told, where that is for nobody.
    pub(super) fn drop_abandoned(&mut self, has_judge: impl Fn(&Waiting) -> bool) {
        let is_hopeless = |waiting: &Waiting| waiting.is_contest() && !has_judge(waiting);
        self.waiting
            .retain(|waiting| !waiting.is_abandoned() && !is_hopeless(waiting));
        self.cancel(Waiting::is_abandoned);
    }

    /// Forgets everything, and tells how much that was.
    pub(super) fn give_up(&mut self) -> u64 {
        let given_up = self.waiting.len() + self.running.len();
        self.waiting.clear();
        self.cancel(|_| true);
        given_up as u64
    }

    /// Takes out what took too long.
    pub(super) fn expire(&mut self, now: Instant) -> Overdue {
        let mut overdue = Overdue::default();
        let waiting = std::mem::take(&mut self.waiting);
        for waiting in waiting {
            if waiting.until > now {
                self.waiting.push_back(waiting);
            } else {
                overdue.unbegun.push(waiting);
            }
        }
        let is_late = |_: &TaskId, running: &mut Running| running.until <= now;
        for (task_id, running) in self.running.extract_if(is_late) {
            self.cancelled.push((running.auditor, task_id));
            overdue.unfinished.push((running.auditor, running.waiting));
        }
        overdue
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let waiting = self.waiting.iter().map(|waiting| waiting.until);
        let running = self.running.values().map(|running| running.until);
        waiting.chain(running).min()
    }

    /// The judges that are to stop, each time once.
    pub(super) fn take_cancelled(&mut self) -> Vec<(NodeId, TaskId)> {
        std::mem::take(&mut self.cancelled)
    }

    pub(super) fn counts(&self) -> (usize, usize) {
        (self.waiting.len(), self.running.len())
    }

    fn cancel(&mut self, which: impl Fn(&Waiting) -> bool) {
        let is_one = |_: &TaskId, running: &mut Running| which(&running.waiting);
        let cancelled = self.running.extract_if(is_one);
        self.cancelled
            .extend(cancelled.map(|(task_id, running)| (running.auditor, task_id)));
    }
}

#[cfg(test)]
mod tests;
