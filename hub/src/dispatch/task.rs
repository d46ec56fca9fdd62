//! The one task that owns the scheduler: it carries out what the scheduler decides, and holds the
//! prompts that wait.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use protocol::Catalogue;
use scheduler::{Effect, Event, GiveUpReason, ModelNames, NodeId, PromptId, Scheduler};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::audits::Audits;
use super::leaving::Leaving;
use super::load::load;
use super::message::{Command, Report, Request};
use super::node::Node;
use super::operators::Stopped;
use super::prompt::Prompt;
use super::rates::RecentAnswers;
use super::snapshot::snapshot;
use super::{DispatchSettings, OutcomeSink, PromptFailure};
use crate::rules::Rulebook;

pub(super) struct Task {
    pub(super) scheduler: Scheduler,
    /// Where the scheduler's time starts.
    started: Instant,
    /// The prompts in the scheduler's queue, and for a moment those on their way there.
    pub(super) waiting: HashMap<PromptId, Prompt>,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    pub(super) stopped: Stopped,
    /// What operators decided about nodes.
    pub(super) rules: Arc<Rulebook>,
    next_node: u64,
    pub(super) next_ensemble: u64,
    pub(super) audits: Audits,
    answers: RecentAnswers,
    names: ModelNames,
    pub(super) run: String,
    sink: Arc<dyn OutcomeSink>,
    draining: bool,
    /// Set while another process takes new prompts.
    leaving: Option<Leaving>,
    drained: Vec<oneshot::Sender<()>>,
    all_left: Vec<oneshot::Sender<()>>,
}

impl Task {
    pub(super) fn new(
        settings: &DispatchSettings,
        catalogue: &Catalogue,
        run: String,
        sink: Arc<dyn OutcomeSink>,
    ) -> Self {
        let names = ModelNames::new(catalogue);
        let audits = Audits::new(settings, catalogue, &run, Arc::clone(&sink));
        Self {
            scheduler: Scheduler::new(settings.for_scheduler(), names.clone()),
            started: Instant::now(),
            waiting: HashMap::new(),
            nodes: BTreeMap::new(),
            stopped: Stopped::default(),
            rules: Arc::default(),
            next_node: 1,
            next_ensemble: 0,
            audits,
            answers: RecentAnswers::new(),
            names,
            run,
            sink,
            draining: false,
            leaving: None,
            drained: Vec::new(),
            all_left: Vec::new(),
        }
    }

    /// Runs until the last handle is dropped.
    pub(super) async fn run(
        mut self,
        mut requests: mpsc::UnboundedReceiver<Request>,
        mut reports: mpsc::Receiver<Report>,
    ) {
        loop {
            let deadline = self.scheduler.next_deadline();
            let deadline = deadline.map(|deadline| self.started + deadline);
            let deadlines = [deadline, self.audits.next_deadline()];
            let deadline = deadlines.into_iter().flatten().min();
            tokio::select! {
                // Reports first: the end of an answer is then known before whatever its reader,
                // who heard of it later, asks next.
                biased;
                Some(report) = reports.recv() => self.report(report),
                request = requests.recv() => match request {
                    Some(request) => self.request(request),
                    None => return,
                },
                () = until(deadline) => {
                    self.audits.expire();
                    self.handle(Event::TimePassed);
                }
            }
            self.begin_audits();
            self.let_idle_nodes_go();
            self.tell_who_waits_for_the_end();
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Submit { prompt, profile } => {
                let id = prompt.id;
                self.waiting.insert(id, *prompt);
                self.handle(Event::Submitted {
                    prompt: id,
                    profile: *profile,
                });
            }
            Request::Cancel(prompt) => self.handle(Event::Cancelled { prompt }),
            Request::Standing(prompt, reply) => {
                // Whoever asked may have left.
                let _ = reply.send(self.scheduler.standing(prompt));
            }
            Request::Snapshot(reply) => {
                self.handle(Event::TimePassed);
                // Whoever asked may have left.
                let rates = self.answers.rates(self.started.elapsed());
                let _ = reply.send(snapshot(&self.scheduler, &self.nodes, &self.names, rates));
            }
            Request::Load(reply) => {
                let _ = reply.send(load(&self.scheduler, &self.nodes, self.draining));
            }
            Request::Operate(request) => self.operate(request),
            Request::Audits(question) => self.question(question),
            Request::ExpectNodes(expected) => self.handle(Event::NodesExpected(expected)),
            Request::Leave(reply) => self.leaving = Some(Leaving::new(self.nodes.len(), reply)),
            Request::Drain(reply) => {
                self.draining = true;
                self.drained.push(reply);
                self.handle(Event::DrainRequested);
                self.nodes
                    .values()
                    .for_each(|node| node.command(Command::Drain));
            }
            Request::CloseNodes(reply) => {
                self.draining = true;
                self.all_left.push(reply);
                self.nodes
                    .values()
                    .for_each(|node| node.command(Command::Close));
            }
        }
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Joined {
                introduction,
                origin,
                membership,
            } => {
                if self.is_ending() {
                    // Dropping the sender says so.
                    return;
                }
                let id = NodeId(self.next_node);
                self.next_node += 1;
                let node_id = format!("node-{}-{}", self.run, id.0);
                let mut profile = introduction.profile();
                let sink = Arc::clone(&self.sink);
                let (mut node, member) = Node::join(id, node_id, *introduction, origin, sink);
                profile.suspended = self.audits.is_suspended(&node);
                if membership.send(member).is_ok() {
                    // Before it could be given anything.
                    node.rule(&self.rules);
                    (profile.trusted, profile.drained) = (node.is_trusted(), node.is_drained());
                    (node.counts_as_trusted, node.counts_as_drained) =
                        (profile.trusted, profile.drained);
                    self.audits.know(id, &node);
                    self.nodes.insert(id, node);
                    self.handle(Event::NodeJoined { node: id, profile });
                }
            }
            Report::Changed { node, status } => {
                if let Some(changed) = self.nodes.get_mut(&node) {
                    changed.change(&status);
                    self.audits.know(node, changed);
                }
                self.handle(Event::NodeChanged { node, status });
            }
            Report::Benchmarked { node, benchmark } => {
                self.handle(Event::Benchmarked { node, benchmark });
            }
            Report::Started { node, prompt } => self.handle(Event::Started { node, prompt }),
            Report::Finished {
                node,
                prompt,
                usage,
                timings,
                evidence,
            } => {
                if let Some(node) = self.nodes.get_mut(&node) {
                    node.count(usage);
                    if let Some(evidence) = evidence {
                        self.audits.offer(node, *evidence);
                    }
                }
                let decode = Duration::try_from_secs_f64(timings.decode_ms / 1000.0);
                self.answers.count(
                    self.started.elapsed(),
                    usage.completion_tokens,
                    decode.unwrap_or_default(),
                );
                self.handle(Event::Finished {
                    node,
                    prompt,
                    usage,
                    timings,
                });
            }
            Report::Failed {
                node,
                prompt,
                failure,
                retryable,
            } => {
                let (id, fault) = (prompt.id, failure.kind.is_the_nodes());
                self.audit_what_was_said(node, &prompt);
                self.note_unsound(node, &prompt);
                self.take_back(node, *prompt, failure);
                self.handle(Event::Failed {
                    node,
                    prompt: id,
                    retryable,
                    fault,
                });
            }
            Report::Audited {
                node,
                task_id,
                found,
            } => self.audited(node, &task_id, found),
            Report::Abandoned { node, evidence } => {
                if let Some(node) = self.nodes.get(&node) {
                    self.audits.offer(node, *evidence);
                }
            }
            Report::Left {
                node,
                prompts,
                failure,
            } => {
                for prompt in prompts {
                    self.audit_what_was_said(node, &prompt);
                    self.note_unsound(node, &prompt);
                    self.take_back(node, prompt, failure.clone());
                }
                self.nodes.remove(&node);
                self.audits.left(node);
                self.handle(Event::NodeLeft { node });
            }
        }
    }

    /// No node is let in any more, and those that are here go.
    pub(super) fn is_ending(&self) -> bool {
        self.draining || self.leaving.is_some()
    }

    /// Only whoever holds the prompt knows what was said of its answer.
    fn note_unsound(&mut self, node: NodeId, prompt: &Prompt) {
        if prompt.unsound().is_some() {
            let prompt = prompt.id;
            self.handle(Event::Unresumable { node, prompt });
        }
    }

    /// Breaking an answer off is no way out of an audit: its reader, or another node, has its beginning.
    fn audit_what_was_said(&mut self, node: NodeId, prompt: &Prompt) {
        if let (Some(node), Some(evidence)) = (self.nodes.get(&node), prompt.evidence_so_far()) {
            self.audits.offer(node, *evidence);
        }
    }

    /// A prompt that its node gives back. It may have been cancelled in the meantime: the command
    /// then never reached the session.
    fn take_back(&mut self, node: NodeId, mut prompt: Prompt, failure: PromptFailure) {
        if self.scheduler.node_of(prompt.id) == Some(node) {
            prompt.set_failure(failure);
            self.waiting.insert(prompt.id, prompt);
        } else if self.stopped.has(prompt.id) {
            prompt.stop();
        } else {
            prompt.cancel();
        }
    }

    pub(super) fn handle(&mut self, event: Event) {
        for effect in self.scheduler.handle(self.started.elapsed(), event) {
            match effect {
                Effect::Assign {
                    prompt,
                    node,
                    model,
                } => self.assign(prompt, node, model),
                Effect::Cancel { prompt, node } => match self.waiting.remove(&prompt) {
                    // The node's session ended before it could take the prompt.
                    Some(prompt) => prompt.cancel(),
                    None => self.command(node, Command::Cancel(prompt)),
                },
                Effect::Hedge { prompt } => {
                    if let Some(node) = self.scheduler.node_of(prompt) {
                        self.command(node, Command::Late(prompt));
                    }
                }
                Effect::Withdraw { prompt } => {
                    if let Some(prompt) = self.waiting.remove(&prompt) {
                        prompt.cancel();
                    }
                }
                Effect::GiveUp { prompt, reason } => {
                    if let Some(prompt) = self.waiting.remove(&prompt) {
                        prompt.give_up(reason);
                    }
                }
            }
        }
    }

    fn assign(&mut self, id: PromptId, node: NodeId, model: String) {
        let Some(mut prompt) = self.waiting.remove(&id) else {
            tracing::error!("the scheduler assigned a prompt that nobody holds: {id:?}");
            return;
        };
        let Some(node) = self.nodes.get(&node) else {
            tracing::error!(
                "the scheduler assigned {} to an unknown node",
                prompt.task_id
            );
            return prompt.give_up(GiveUpReason::Failed);
        };
        let offered = node.offered(&model).cloned();
        prompt.assign(node.answering_node(), model, offered);
        if let Err(prompt) = node.answer(Box::new(prompt)) {
            // Its session has ended; the report of it is on its way and moves the prompt on.
            self.waiting.insert(id, *prompt);
        }
    }

    pub(super) fn command(&self, node: NodeId, command: Command) {
        if let Some(node) = self.nodes.get(&node) {
            node.command(command);
        }
    }

    /// Whatever waits has been placed by now, so nobody here needs an idle node, but for one that rests.
    fn let_idle_nodes_go(&mut self) {
        let Some(leaving) = &self.leaving else { return };
        let within = leaving.within;
        let is_waited_for = self.scheduler.waiting() > 0;
        let is_idle = |id: &NodeId| {
            let load = self.scheduler.load(*id);
            load.is_some_and(|load| load.busy == 0 && !(load.resting && is_waited_for))
        };
        let idle: Vec<NodeId> = self.nodes.keys().copied().filter(is_idle).collect();
        for node in idle {
            self.command(node, Command::Move(within));
            // At once, so that it is given nothing more; its session's report comes later.
            self.handle(Event::NodeLeft { node });
        }
    }

    fn tell_who_waits_for_the_end(&mut self) {
        let nothing_left = self.scheduler.running() + self.scheduler.waiting() == 0;
        if nothing_left && self.nodes.is_empty() {
            self.leaving.as_mut().into_iter().for_each(Leaving::tell);
        }
        if !self.draining {
            return;
        }
        if self.scheduler.running() == 0 {
            tell(&mut self.drained);
        }
        if self.nodes.is_empty() {
            tell(&mut self.all_left);
        }
    }
}

fn tell(waiters: &mut Vec<oneshot::Sender<()>>) {
    for waiter in waiters.drain(..) {
        // Whoever waited may have run out of patience.
        let _ = waiter.send(());
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
