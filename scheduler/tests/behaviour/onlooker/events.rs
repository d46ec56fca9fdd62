//! Steps of the world as events, taken with whatever is there.

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::{NodeStatus, Owner, Timings, Usage};
use scheduler::{
    Benchmark, ClientId, Event, NodeId, NodePreference, NodeProfile, PromptId, PromptProfile,
};

use super::{Onlooker, SeenPrompt, State};
use crate::steps::{MODELS, OWNERS, REQUESTS, Step};
use crate::transcript::{model, owner};

impl Onlooker {
    /// The step as an event; None where there is nothing to take it with.
    pub(super) fn event(&mut self, step: &Step) -> Option<Event> {
        let names = |models: &BTreeSet<usize>| models.iter().map(|m| model(MODELS[*m])).collect();
        let person = |whose: Option<usize>| whose.map(|index| owner(OWNERS[index]));
        Some(match *step {
            Step::Join {
                kind,
                trusted,
                slots,
                ref models,
                owner,
                only_own,
                paused,
            } => {
                self.next_node += 1;
                let node = NodeId(self.next_node);
                let models = names(models);
                let profile = NodeProfile {
                    kind,
                    trusted,
                    has_gpu: false,
                    slots,
                    models,
                    owner: person(owner),
                    only_own,
                    paused,
                    drained: false,
                    suspended: false,
                };
                Event::NodeJoined { node, profile }
            }
            Step::Leave(pick) => Event::NodeLeft {
                node: self.node(pick)?,
            },
            Step::Pause(pick, paused) => Event::NodeChanged {
                node: self.node(pick)?,
                status: NodeStatus {
                    paused: Some(paused),
                    ..NodeStatus::default()
                },
            },
            Step::OnlyOwn(pick, only_own) => Event::NodeChanged {
                node: self.node(pick)?,
                status: NodeStatus {
                    only_own: Some(only_own),
                    ..NodeStatus::default()
                },
            },
            Step::Suspend(pick, suspended) => Event::NodeSuspended {
                node: self.node(pick)?,
                suspended,
            },
            Step::Rule {
                node,
                trusted,
                drained,
            } => Event::NodeRuled {
                node: self.node(node)?,
                trusted,
                drained,
            },
            Step::Benchmark(pick, cpu, gpu) => Event::Benchmarked {
                node: self.node(pick)?,
                benchmark: Benchmark {
                    cpu_multiply_adds_per_second: cpu,
                    gpu_multiply_adds_per_second: gpu,
                },
            },
            Step::Slots(pick, slots) => Event::NodeChanged {
                node: self.node(pick)?,
                status: NodeStatus {
                    slots: Some(slots),
                    ..NodeStatus::default()
                },
            },
            Step::Models(pick, ref models) => Event::NodeChanged {
                node: self.node(pick)?,
                status: NodeStatus {
                    models: Some(names(models)),
                    ..NodeStatus::default()
                },
            },
            Step::Ask {
                request,
                preference,
                demand,
                owner,
            } => self.ask(REQUESTS[request], [preference, demand], person(owner), None),
            Step::Again(pick) => {
                let (first, _) = self.running(pick)?;
                let seen = &self.prompts[&first];
                if seen.hedges.is_some() {
                    return None;
                }
                let wishes = [seen.preference, seen.demand];
                let (request, owner) = (seen.request, seen.owner.clone());
                self.ask(request, wishes, owner, Some(first))
            }
            Step::Start(pick) => {
                let (prompt, node) = self.running(pick)?;
                Event::Started { node, prompt }
            }
            Step::Unresumable(pick) => {
                let (prompt, node) = self.running(pick)?;
                Event::Unresumable { node, prompt }
            }
            Step::Finish(pick) => {
                let (prompt, node) = self.running(pick)?;
                let usage = Usage {
                    prompt_tokens: 10,
                    cached_tokens: 0,
                    completion_tokens: 10,
                };
                let timings = Timings {
                    load_ms: 0.0,
                    prefill_ms: 5.0,
                    decode_ms: pick as f64,
                };
                Event::Finished {
                    node,
                    prompt,
                    usage,
                    timings,
                }
            }
            Step::Fail(pick, retryable) => {
                let (prompt, node) = self.running(pick)?;
                Event::Failed {
                    node,
                    prompt,
                    retryable,
                    fault: retryable,
                }
            }
            Step::Cancel(pick) => Event::Cancelled {
                prompt: self.live(pick)?,
            },
            Step::Lie(node, prompt) => {
                let node = self.node(node)?;
                let prompt = PromptId(prompt as u64 % (self.next_prompt + 2));
                let truth = self.prompts.get(&prompt).map(|seen| seen.state);
                if matches!(truth, Some(State::Running { node: owner, .. }) if owner == node) {
                    return None;
                }
                let (usage, timings) = (Usage::default(), Timings::default());
                Event::Finished {
                    node,
                    prompt,
                    usage,
                    timings,
                }
            }
            Step::Wait(seconds) => {
                self.now += Duration::from_secs(seconds);
                Event::TimePassed
            }
            Step::Drain => Event::DrainRequested,
        })
    }

    fn ask(
        &mut self,
        request: &'static str,
        [preference, demand]: [NodePreference; 2],
        owner: Option<Owner>,
        hedges: Option<PromptId>,
    ) -> Event {
        self.next_prompt += 1;
        let prompt = PromptId(self.next_prompt);
        let (client, resumable) = (ClientId(prompt.0 % 3), prompt.0.is_multiple_of(2));
        let seen = SeenPrompt {
            request,
            preference,
            demand,
            owner: owner.clone(),
            resumable,
            model: "",
            broken_off: false,
            state: State::Waiting,
            failed_on: Vec::new(),
            attempts: 0,
            in_vain: 0,
            client,
            hedges,
            hedged: false,
        };
        self.prompts.insert(prompt, seen);
        let profile = PromptProfile {
            model: request.to_owned(),
            preference,
            demand,
            owner,
            client,
            prompt_tokens: 100,
            answer_tokens: 100,
            prefixes: Vec::new(),
            hedges,
            resumable,
            ensemble: None,
        };
        Event::Submitted { prompt, profile }
    }

    fn node(&self, pick: usize) -> Option<NodeId> {
        self.nodes
            .keys()
            .nth(pick % self.nodes.len().max(1))
            .copied()
    }

    fn live(&self, pick: usize) -> Option<PromptId> {
        let live: Vec<_> = self
            .prompts
            .iter()
            .filter(|(_, p)| p.state != State::Ended)
            .collect();
        live.get(pick % live.len().max(1)).map(|(id, _)| **id)
    }

    fn running(&self, pick: usize) -> Option<(PromptId, NodeId)> {
        let running: Vec<_> = self
            .prompts
            .iter()
            .filter_map(|(id, seen)| match seen.state {
                State::Running { node, .. } => Some((*id, node)),
                _ => None,
            })
            .collect();
        running.get(pick % running.len().max(1)).copied()
    }
}
