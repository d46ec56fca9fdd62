//! One connection, from `hello` to its end.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use futures_util::SinkExt;
use protocol::{
    BenchmarkResult, HubMessage, NodeMessage, NodeModel, NodeStatus, Task, TaskId, Welcome,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use super::{
    dial::{self, Loss, Socket},
    work::Work,
};
use crate::{benchmark, error::LossReason, node::Node};

/// Frames that may wait for the socket: a slow connection slows the backends down.
const FRAMES_AHEAD: usize = 64;

/// The hub pings once per heartbeat; after as many without a word it is taken for gone.
const SILENT_HEARTBEATS: u32 = 3;

/// Whatever a hub asks for, a node does not give it up sooner than this.
const SHORTEST_SILENCE: Duration = Duration::from_secs(1);

/// A farewell that takes longer is not worth the wait.
const FAREWELL: Duration = Duration::from_millis(500);

/// Resolves when the owner wants the node to end.
pub(super) type Shutdown<'a> = Pin<&'a mut (dyn Future<Output = ()> + Send)>;

#[derive(Debug, PartialEq)]
pub(super) enum End {
    /// The owner wanted it.
    Stopped,
    Lost(Loss),
}

/// Serves the hub until the connection is lost or the owner stops the node. All prompts end with
/// the connection.
pub(super) async fn serve(node: &Node, mut socket: Socket, mut shutdown: Shutdown<'_>) -> End {
    let mut models = node.models.clone();
    let hello = NodeMessage::Hello(node.hello(models.borrow_and_update().clone()));
    let welcome = tokio::select! {
        () = &mut shutdown => return farewell(socket).await,
        welcome = dial::introduce(&mut socket, hello) => match welcome {
            Ok(welcome) => welcome,
            Err(loss) => return End::Lost(loss),
        },
    };
    tracing::info!("{}", node.language.connected(&node.hub_url, &node.name));
    node.status.connected();
    let mut connection = Connection::new(node, socket, models, &welcome);
    tokio::select! {
        () = &mut shutdown => farewell(connection.socket).await,
        loss = connection.run() => End::Lost(loss),
    }
}

async fn farewell(mut socket: Socket) -> End {
    let frame = CloseFrame {
        code: CloseCode::Away,
        reason: "the owner stopped the node".into(),
    };
    // The hub notices the end of the connection as well, if a little later.
    let _ = timeout(FAREWELL, async {
        socket.close(Some(frame)).await?;
        socket.flush().await
    })
    .await;
    End::Stopped
}

struct Connection<'a> {
    node: &'a Node,
    socket: Socket,
    models: watch::Receiver<Vec<NodeModel>>,
    work: Work,
    frames: mpsc::Receiver<NodeMessage>,
    frames_sender: mpsc::Sender<NodeMessage>,
    silence: Duration,
}

impl<'a> Connection<'a> {
    fn new(
        node: &'a Node,
        socket: Socket,
        models: watch::Receiver<Vec<NodeModel>>,
        welcome: &Welcome,
    ) -> Self {
        let (frames_sender, frames) = mpsc::channel(FRAMES_AHEAD);
        let work = Work::new(
            Arc::clone(&node.backend),
            node.language,
            node.status.clone(),
            node.slots,
            welcome.max_frame_bytes,
            frames_sender.clone(),
        );
        let heartbeat = Duration::from_millis(welcome.heartbeat_ms);
        let silence = heartbeat
            .saturating_mul(SILENT_HEARTBEATS)
            .max(SHORTEST_SILENCE);
        Self {
            node,
            socket,
            models,
            work,
            frames,
            frames_sender,
            silence,
        }
    }

    async fn run(&mut self) -> Loss {
        let mut heard = Instant::now();
        loop {
            let step = tokio::select! {
                // In this order: what a task said before its accident is sent before it.
                biased;
                message = dial::receive(&mut self.socket) => {
                    heard = Instant::now();
                    match message {
                        Ok(Some(text)) => self.take(&text).await,
                        Ok(None) => Ok(()),
                        Err(loss) => Err(loss),
                    }
                }
                Some(frame) = self.frames.recv() => {
                    if self.work.is_wanted(&frame) { self.send(&frame).await } else { Ok(()) }
                }
                accident = self.work.next_accident() => self.send(&accident).await,
                Ok(()) = self.models.changed() => self.tell_models().await,
                () = sleep_until(heard + self.silence) => {
                    Err(Loss::Passing(LossReason::Silent))
                }
            };
            if let Err(loss) = step {
                return loss;
            }
        }
    }

    async fn take(&mut self, text: &str) -> Result<(), Loss> {
        let message = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => {
                // A newer hub may say things that this build does not know.
                tracing::debug!("a frame from the hub was not understood: {error}");
                return Ok(());
            }
        };
        match message {
            HubMessage::LlmPrompt(prompt) => {
                if let Some(refusal) = self.work.begin(prompt) {
                    self.send(&refusal).await?;
                }
            }
            HubMessage::LlmCancel(cancel) => self.work.cancel(&cancel.task_id),
            HubMessage::AiTask(task) => self.compute(task.task_id, &task.task),
            HubMessage::AuditPrompt(audit) => {
                tracing::debug!("audit {} goes unanswered: not known here", audit.task_id);
            }
            HubMessage::Drain(_) => {
                tracing::info!("{}", self.node.language.draining());
                self.work.drain();
            }
            HubMessage::Welcome(_) => {}
        }
        Ok(())
    }

    fn compute(&self, task_id: TaskId, task: &Task) {
        let Task::Benchmark { duration_ms } = *task else {
            tracing::debug!("task {task_id} goes unanswered: not known here");
            return;
        };
        let (threads, frames) = (self.node.threads, self.frames_sender.clone());
        tokio::task::spawn_blocking(move || {
            let duration = Duration::from_millis(duration_ms);
            let result = NodeMessage::BenchmarkResult(BenchmarkResult {
                task_id,
                cpu_multiply_adds_per_second: benchmark::multiply_adds_per_second(
                    threads, duration,
                ),
                gpu_multiply_adds_per_second: None,
            });
            // The connection may be gone by now; the next hub asks again.
            let _ = frames.blocking_send(result);
        });
    }

    async fn tell_models(&mut self) -> Result<(), Loss> {
        let models = self.models.borrow_and_update().clone();
        let status = NodeStatus {
            models: Some(models),
            ..NodeStatus::default()
        };
        self.send(&NodeMessage::NodeStatus(status)).await
    }

    /// A connection that takes nothing for so long is as lost as one that says nothing.
    async fn send(&mut self, frame: &NodeMessage) -> Result<(), Loss> {
        timeout(self.silence, dial::send(&mut self.socket, frame))
            .await
            .unwrap_or(Err(Loss::Passing(LossReason::Stuck)))
    }
}
