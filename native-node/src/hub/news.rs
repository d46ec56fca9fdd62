//! What the hub hears of the node: all of it in `hello`, then what changes.

use protocol::{Hello, NodeModel, NodeStatus};
use tokio::sync::watch;

use crate::{node::Node, status::PauseReason};

#[derive(Debug)]
pub(super) struct News {
    models: watch::Receiver<Vec<NodeModel>>,
    paused: watch::Receiver<Option<PauseReason>>,
    told_paused: bool,
}

impl News {
    pub(super) fn begin(node: &Node) -> (Self, Hello) {
        let (mut models, mut paused) = (node.models.clone(), node.paused.clone());
        let told_paused = paused.borrow_and_update().is_some();
        let hello = node.hello(models.borrow_and_update().clone(), told_paused);
        let news = Self {
            models,
            paused,
            told_paused,
        };
        (news, hello)
    }

    /// Whether the hub believes that the node is paused.
    pub(super) fn told_paused(&self) -> bool {
        self.told_paused
    }

    /// Waits until the hub should hear something. Nothing is lost when it is dropped meanwhile.
    pub(super) async fn next(&mut self) -> NodeStatus {
        loop {
            tokio::select! {
                Ok(()) = self.models.changed() => return NodeStatus {
                    models: Some(self.models.borrow_and_update().clone()),
                    ..NodeStatus::default()
                },
                Ok(()) = self.paused.changed() => {
                    let paused = self.paused.borrow_and_update().is_some();
                    // A reason that changes is the owner's business alone.
                    if paused != self.told_paused {
                        self.told_paused = paused;
                        return NodeStatus { paused: Some(paused), ..NodeStatus::default() };
                    }
                }
                else => return std::future::pending().await,
            }
        }
    }
}
