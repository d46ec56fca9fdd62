//! The one task that owns the scheduler: it carries out what the scheduler decides, and holds the
//! prompts that wait.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use protocol::Catalogue;
use scheduler::audit::Identity;
use scheduler::{
    Effect, EnsembleId, Event, GiveUpReason, ModelNames, NodeId, PromptId, PromptProfile,
    Scheduler, Settings,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::audits::{Audits, digests};
use super::handle::DispatchSettings;
use super::message::{Command, Report, Request};
use super::node::Node;
use super::prompt::Prompt;
use super::rates::RecentAnswers;
use super::snapshot::snapshot;
use super::{OutcomeSink, PromptFailure, PromptSubmission, Refusal, estimate};

pub(super) struct Task {
    scheduler: Scheduler,
    /// Where the scheduler's time starts.
    started: Instant,
    /// The prompts in the scheduler's queue, and for a moment those on their way there.
    waiting: HashMap<PromptId, Prompt>,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    next_node: u64,
    next_ensemble: u64,
    answers: RecentAnswers,
    audits: Audits,
    names: ModelNames,
    run: String,
    sink: Arc<dyn OutcomeSink>,
    draining: bool,
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
        let audits = Audits::new(settings.audits, digests(catalogue), &run, Arc::clone(&sink));
        let settings = Settings {
            queue_length: settings.queue_length,
            queue_deadline: settings.queue_deadline,
            stranded_deadline: settings.stranded_deadline,
            attempts: settings.attempts,
        };
        Self {
            scheduler: Scheduler::new(settings, names.clone()),
            started: Instant::now(),
            waiting: HashMap::new(),
            nodes: BTreeMap::new(),
            next_node: 1,
            next_ensemble: 0,
            answers: RecentAnswers::new(),
            audits,
            names,
            run,
            sink,
            draining: false,
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
            let deadline = self
                .scheduler
                .next_deadline()
                .map(|deadline| self.started + deadline);
            let deadline = deadline
                .into_iter()
                .chain(self.audits.next_deadline())
                .min();
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
            self.tell_who_waits_for_the_end();
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Submit {
                mut prompt,
                preference,
                demand,
                owner,
                ensemble,
            } => {
                prompt.owner.clone_from(&owner);
                let (id, request) = (prompt.id, &prompt.request);
                let profile = PromptProfile {
                    model: request.model.clone(),
                    preference,
                    demand,
                    owner,
                    prompt_tokens: estimate::prompt_tokens(request),
                    answer_tokens: estimate::answer_tokens(request),
                    resumable: prompt.is_resumable(),
                    ensemble,
                };
                self.waiting.insert(id, *prompt);
                self.handle(Event::Submitted {
                    prompt: id,
                    profile,
                });
            }
            Request::Ensemble {
                submission,
                size,
                reply,
            } => {
                let _ = reply.send(self.ensemble(*submission, size));
            }
            Request::Judge {
                node_id,
                evidence,
                reply,
            } => {
                let mut nodes = self.nodes.values();
                if let Some(node) = nodes.find(|node| *node.node_id == *node_id) {
                    self.audits.contest(node, *evidence, reply);
                }
            }
            Request::Cancel(prompt) => self.handle(Event::Cancelled { prompt }),
            Request::Snapshot(reply) => {
                // Whoever asked may have left.
                let rates = self.answers.rates(self.started.elapsed());
                let snapshot = snapshot(
                    &self.scheduler,
                    &self.nodes,
                    &self.names,
                    rates,
                    &self.audits,
                );
                let _ = reply.send(snapshot);
            }
            Request::Pardon(node_id, reply) => {
                let mut nodes = self.nodes.values();
                let node = nodes.find(|node| *node.node_id == *node_id);
                let identity = node.map(|node| node.identity.clone());
                let pardoned = identity.filter(|identity| self.audits.pardon(identity));
                if let Some(identity) = &pardoned {
                    self.set_suspended(identity, false);
                }
                let _ = reply.send(pardoned.is_some());
            }
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
                address,
                membership,
            } => {
                if self.draining {
                    // Dropping the sender says so.
                    return;
                }
                let id = NodeId(self.next_node);
                self.next_node += 1;
                let node_id = format!("node-{}-{}", self.run, id.0);
                let identity = introduction.identity(address);
                let profile = introduction.profile(self.audits.is_suspended(&identity));
                let sink = Arc::clone(&self.sink);
                let (node, member) = Node::join(id, node_id, *introduction, identity, sink);
                if membership.send(member).is_ok() {
                    self.nodes.insert(id, node);
                    self.handle(Event::NodeJoined { node: id, profile });
                }
            }
            Report::Changed { node, status } => {
                if let Some(node) = self.nodes.get_mut(&node) {
                    node.change(&status);
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
                }
                if let (Some(node), Some(evidence)) = (self.nodes.get(&node), evidence) {
                    self.audits.offer(node, &self.nodes, *evidence);
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
                let id = prompt.id;
                self.take_back(node, *prompt, failure);
                self.handle(Event::Failed {
                    node,
                    prompt: id,
                    retryable,
                });
            }
            Report::Audited {
                node,
                task_id,
                found,
            } => {
                let found = found.as_ref();
                if let Some(identity) = self.audits.judged(node, &task_id, found, &self.nodes) {
                    self.set_suspended(&identity, true);
                }
            }
            Report::Left {
                node,
                prompts,
                failure,
            } => {
                for prompt in prompts {
                    self.take_back(node, prompt, failure.clone());
                }
                self.nodes.remove(&node);
                self.audits.left(node);
                self.handle(Event::NodeLeft { node });
            }
        }
    }

    /// A prompt that its node gives back. It may have been cancelled in the meantime: the command
    /// then never reached the session.
    fn take_back(&mut self, node: NodeId, mut prompt: Prompt, failure: PromptFailure) {
        if self.scheduler.node_of(prompt.id) == Some(node) {
            prompt.set_failure(failure);
            self.waiting.insert(prompt.id, prompt);
        } else {
            prompt.cancel();
        }
    }

    fn handle(&mut self, event: Event) {
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
        prompt.assign(node.answering_node(), model);
        if let Err(prompt) = node.answer(Box::new(prompt)) {
            // Its session has ended; the report of it is on its way and moves the prompt on.
            self.waiting.insert(id, *prompt);
        }
    }

    fn ensemble(
        &mut self,
        submission: PromptSubmission,
        size: usize,
    ) -> Result<EnsembleId, Refusal> {
        let PromptSubmission {
            request,
            preference,
            demand,
            owner,
            ..
        } = submission;
        let profile = PromptProfile {
            preference,
            demand,
            owner,
            prompt_tokens: 0,
            answer_tokens: 0,
            resumable: false,
            ensemble: None,
            model: request.model,
        };
        let able = self.scheduler.able_nodes(&profile);
        let judged = |(id, model): &&(NodeId, String)| {
            let node = self.nodes.get(id);
            node.is_some_and(|node| self.audits.has_judge(node, model, &self.nodes))
        };
        let (here, judged) = (able.len(), able.iter().filter(judged).count());
        let model = profile.model;
        if here < size {
            let wanted = size;
            return Err(Refusal::TooFewNodes {
                model,
                wanted,
                here,
            });
        }
        if judged < size {
            return Err(Refusal::NoJudge { model });
        }
        self.next_ensemble += 1;
        Ok(EnsembleId(self.next_ensemble))
    }

    fn begin_audits(&mut self) {
        if self.draining {
            return;
        }
        while let Some((node, audit)) = self.audits.next(&self.scheduler, &self.nodes) {
            self.command(node, Command::Audit(audit));
        }
    }

    /// A suspended node's prompts go to others; what it has answered the reader has.
    fn set_suspended(&mut self, identity: &Identity, suspended: bool) {
        let its = self
            .nodes
            .iter()
            .filter(|(_, node)| node.identity == *identity);
        let nodes: Vec<NodeId> = its.map(|(id, _)| *id).collect();
        for node in nodes {
            self.handle(Event::NodeSuspended { node, suspended });
            if suspended {
                self.command(node, Command::GiveBack);
            }
        }
    }

    fn command(&self, node: NodeId, command: Command) {
        if let Some(node) = self.nodes.get(&node) {
            node.command(command);
        }
    }

    fn tell_who_waits_for_the_end(&mut self) {
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
