//! Prompts as operators see them, and how they end one.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::TaskId;
use scheduler::{ClientId, Event, Listed, ListedPlace, PromptId};

use super::super::message::Command;
use super::super::task::Task;
use super::number;
use crate::keys::KeyId;

/// More prompts of either kind are counted and not listed.
const MOST_LISTED: usize = 500;

#[derive(Clone, Debug, Default)]
pub(crate) struct PromptList {
    /// Those that are listed; all in the order of submission.
    pub(crate) prompts: Vec<ListedPrompt>,
    pub(crate) waiting: usize,
    pub(crate) running: usize,
}

/// A prompt without a word of its text.
#[derive(Clone, Debug)]
pub(crate) struct ListedPrompt {
    pub(crate) task_id: TaskId,
    /// What was asked for.
    pub(crate) model: String,
    /// None where it was sent without a key.
    pub(crate) key: Option<KeyId>,
    /// Guesses.
    pub(crate) prompt_tokens: u32,
    pub(crate) answer_tokens: u32,
    pub(crate) attempts: u32,
    /// It stands in for another that is late.
    pub(crate) is_second: bool,
    /// Waiting or running.
    pub(crate) for_so_long: Duration,
    /// None while it waits.
    pub(crate) answering: Option<Answering>,
}

#[derive(Clone, Debug)]
pub(crate) struct Answering {
    pub(crate) node_id: String,
    pub(crate) node_name: String,
    pub(crate) model: String,
    pub(crate) started: bool,
}

/// The prompts that operators ended last, while their nodes had them. One that its node gave back at that moment
/// is on its way here, past the command to end it.
#[derive(Default)]
pub(in crate::dispatch) struct Stopped(VecDeque<PromptId>);

impl Stopped {
    /// A report takes no longer than so many presses.
    const MOST: usize = 256;

    fn note(&mut self, prompt: PromptId) {
        self.0.push_back(prompt);
        if self.0.len() > Self::MOST {
            self.0.pop_front();
        }
    }

    pub(in crate::dispatch) fn has(&self, prompt: PromptId) -> bool {
        self.0.contains(&prompt)
    }
}

impl Task {
    pub(super) fn list_prompts(&self) -> PromptList {
        let mut running: Vec<Listed<'_>> = self.scheduler.list_running().collect();
        running.sort_unstable_by_key(|listed| listed.prompt);
        let running = running.into_iter().take(MOST_LISTED);
        let waiting = self.scheduler.list_waiting().take(MOST_LISTED);
        PromptList {
            prompts: running.chain(waiting).map(|it| self.listed(&it)).collect(),
            waiting: self.scheduler.waiting(),
            running: self.scheduler.running(),
        }
    }

    fn listed(&self, listed: &Listed<'_>) -> ListedPrompt {
        let (for_so_long, answering) = match listed.place {
            ListedPlace::Waiting { for_so_long } => (for_so_long, None),
            ListedPlace::Running {
                node,
                model,
                started,
                for_so_long,
            } => {
                let node = self.nodes.get(&node);
                let answering = node.map(|node| Answering {
                    node_id: node.node_id.to_string(),
                    node_name: node.introduction.name.clone(),
                    model: model.to_owned(),
                    started,
                });
                (for_so_long, answering)
            }
        };
        let ClientId(client) = listed.profile.client;
        ListedPrompt {
            task_id: self.task_id(listed.prompt),
            model: listed.profile.model.clone(),
            key: u32::try_from(client).ok().map(KeyId),
            prompt_tokens: listed.profile.prompt_tokens,
            answer_tokens: listed.profile.answer_tokens,
            attempts: listed.attempts,
            is_second: listed.profile.hedges.is_some(),
            for_so_long,
            answering,
        }
    }

    pub(super) fn stop(&mut self, task_id: &TaskId) -> bool {
        let Some(id) = self.prompt_number(task_id) else {
            return false;
        };
        // Also where it has a node: one whose session has ended could not take it.
        if let Some(prompt) = self.waiting.remove(&id) {
            prompt.stop();
        } else if let Some(node) = self.scheduler.node_of(id) {
            self.stopped.note(id);
            // Before the scheduler's own cancel, which then finds nothing left to end.
            self.command(node, Command::Stop(id));
        } else {
            return false;
        }
        self.handle(Event::Cancelled { prompt: id });
        true
    }

    /// Whether it waits or runs here.
    pub(super) fn has_prompt(&self, task_id: &TaskId) -> bool {
        self.prompt_number(task_id).is_some_and(|id| {
            self.waiting.contains_key(&id) || self.scheduler.node_of(id).is_some()
        })
    }

    fn prompt_number(&self, task_id: &TaskId) -> Option<PromptId> {
        let id = PromptId(number(&task_id.0)?);
        (self.task_id(id) == *task_id).then_some(id)
    }

    fn task_id(&self, prompt: PromptId) -> TaskId {
        TaskId(format!("task-{}-{}", self.run, prompt.0))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use protocol::PromptRequest;
    use serde_json::json;

    use super::*;
    use crate::dispatch::{
        DispatchSettings, Dispatcher, FailureKind, Forget, Membership, NodePreference, Origin,
        Prompt, PromptFailure, PromptSubmission, Refusal, Report,
    };
    use crate::keys::{Bill, Client};
    use crate::{models, nodes};

    fn submission() -> PromptSubmission {
        let request = json!({"model": "m", "messages": [{"role": "user", "content": "hei"}]});
        let request: PromptRequest = serde_json::from_value(request).unwrap();
        PromptSubmission {
            request,
            preference: NodePreference::Any,
            demand: NodePreference::Any,
            owner: None,
            bill: Bill::unmetered(Client::at(Ipv4Addr::LOCALHOST.into())),
            resume: true,
        }
    }

    async fn join(dispatcher: &Dispatcher) -> Membership {
        let model = json!({"id": "m", "context_length": 4096, "runtime": "none"});
        let hello = json!({
            "type": "hello", "protocol_version": 1, "kind": "native", "name": "mine",
            "software": "", "models": [model], "slots": 1, "device": {},
        });
        let introduction = nodes::introduction(&hello.to_string()).unwrap();
        let address = Ipv4Addr::LOCALHOST.into();
        let origin = Origin { address, key: None };
        dispatcher.join(introduction, origin).await.unwrap()
    }

    /// What becomes of a prompt that an operator ends while its session gives it back.
    async fn ended_while(give_back: impl FnOnce(Membership, Box<Prompt>) -> (Membership, Report)) {
        let catalogue = models::catalogue().unwrap();
        let settings = DispatchSettings::default();
        let dispatcher = Dispatcher::start(settings, &catalogue, Arc::new(Forget));
        let mut member = join(&dispatcher).await;
        let asked = dispatcher.ask(submission());
        let prompt = loop {
            match member.commands.recv().await {
                Some(Command::Answer(prompt)) => break prompt,
                Some(_) => {}
                None => panic!("the node was given nothing"),
            }
        };
        let task_id = prompt.task_id.clone();
        let (_member, report) = give_back(member, prompt);
        assert!(dispatcher.stop(task_id).await);
        dispatcher.report(report).await;
        match asked.answer().await {
            Err(Refusal::Failed(failure)) => {
                assert_eq!(failure.kind, FailureKind::CancelledByOperator);
            }
            other => panic!("{other:?}"),
        }
    }

    fn failure() -> PromptFailure {
        PromptFailure {
            kind: FailureKind::NodeLost,
            message: "lost".to_owned(),
        }
    }

    #[tokio::test]
    async fn whoever_asked_hears_of_the_operator_and_not_of_a_node_that_fails_meanwhile() {
        ended_while(|member, prompt| {
            let node = member.node;
            let failed = Report::Failed {
                node,
                prompt,
                failure: failure(),
                retryable: true,
            };
            (member, failed)
        })
        .await;
    }

    #[tokio::test]
    async fn nor_of_one_that_leaves_meanwhile() {
        ended_while(|mut member, prompt| {
            member.commands.close();
            let left = Report::Left {
                node: member.node,
                prompts: vec![*prompt],
                failure: failure(),
            };
            (member, left)
        })
        .await;
    }
}
