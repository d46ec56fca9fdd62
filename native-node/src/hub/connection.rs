//! One connection, from `hello` to its end.

use std::{sync::Arc, time::Duration};

use futures_util::SinkExt;
use protocol::{BenchmarkResult, HubMessage, NodeMessage, NodeStatus, Task, TaskId, Welcome};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use super::{
    dial::{self, Loss, Socket},
    news::News,
    work::Work,
};
use crate::{
    benchmark,
    error::LossReason,
    node::Node,
    stop::{Stop, Stopping},
    surroundings::{Change, Watch},
};

/// Frames that may wait for the socket: a slow connection slows the backends down.
const FRAMES_AHEAD: usize = 64;

/// The hub pings once per heartbeat; after as many without a word it is taken for gone.
const SILENT_HEARTBEATS: u32 = 3;

/// Whatever a hub asks for, a node does not give it up sooner than this.
const SHORTEST_SILENCE: Duration = Duration::from_secs(1);

/// A farewell that takes longer is not worth the wait.
const FAREWELL: Duration = Duration::from_millis(500);

#[derive(Debug, PartialEq)]
pub(super) enum End {
    /// The owner wanted it.
    Stopped,
    Lost(Loss),
}

/// Serves the hub until the connection is lost or the owner stops the node. All prompts end with
/// the connection.
pub(super) async fn serve(node: &Node, mut socket: Socket, stopping: &Stopping) -> End {
    let (news, hello) = News::begin(node);
    let hello = NodeMessage::Hello(hello);
    let (mut finish, mut now) = (stopping.clone(), stopping.clone());
    let welcome = tokio::select! {
        () = finish.wanted(Stop::Finish) => return farewell(socket).await,
        welcome = dial::introduce(&mut socket, hello) => match welcome {
            Ok(welcome) => welcome,
            Err(loss) => return End::Lost(loss),
        },
    };
    tracing::info!("{}", node.language.connected(&node.hub_url, &node.name));
    node.backend.want(&welcome.wanted_models).await;
    let mut connection = Connection::new(node, socket, news, &welcome);
    node.status.connected();
    let end = tokio::select! {
        () = now.wanted(Stop::Now) => End::Stopped,
        end = connection.run(finish) => end,
    };
    match end {
        End::Stopped => farewell(connection.socket).await,
        // However it ended: after that word, it was expected to.
        End::Lost(Loss::Passing(_)) if connection.hub_is_stopping => {
            let back_within = connection.back_within;
            End::Lost(Loss::HubStopped { back_within })
        }
        lost @ End::Lost(_) => lost,
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
    news: News,
    work: Work,
    frames: mpsc::Receiver<NodeMessage>,
    frames_sender: mpsc::Sender<NodeMessage>,
    watch: Watch<'a>,
    silence: Duration,
    /// The hub said that it will close the connection.
    hub_is_stopping: bool,
    /// And that a hub will be there again.
    back_within: Option<Duration>,
}

impl<'a> Connection<'a> {
    fn new(node: &'a Node, socket: Socket, news: News, welcome: &Welcome) -> Self {
        let (frames_sender, frames) = mpsc::channel(FRAMES_AHEAD);
        let mut work = Work::new(node, welcome.max_frame_bytes, frames_sender.clone());
        work.pause(news.told_paused());
        let heartbeat = Duration::from_millis(welcome.heartbeat_ms);
        let silence = heartbeat
            .saturating_mul(SILENT_HEARTBEATS)
            .max(SHORTEST_SILENCE);
        // A hub drops a node after as long a silence.
        let hub = dial::peer(&socket).into_iter().collect();
        let watch = Watch::new(&*node.surroundings, hub, silence);
        Self {
            node,
            socket,
            news,
            work,
            frames,
            frames_sender,
            watch,
            silence,
            hub_is_stopping: false,
            back_within: None,
        }
    }

    async fn run(&mut self, mut stopping: Stopping) -> End {
        let mut heard = Instant::now();
        // Set while the hub has to show that it is still there.
        let mut sign_of_life_by = None;
        let mut finishing = false;
        while !(finishing && self.work.is_idle()) {
            let silent_at = heard + self.silence;
            let step = tokio::select! {
                // In this order: what a task said before its accident is sent before it.
                biased;
                message = dial::receive(&mut self.socket) => {
                    heard = Instant::now();
                    sign_of_life_by = None;
                    match message {
                        Ok(Some(text)) => self.take(&text).await,
                        Ok(None) => Ok(()),
                        Err(loss) => Err(loss),
                    }
                }
                () = stopping.wanted(Stop::Finish), if !finishing => {
                    finishing = true;
                    self.finish().await
                }
                Some(frame) = self.frames.recv() => {
                    if self.work.is_wanted(&frame) { self.send(&frame).await } else { Ok(()) }
                }
                accident = self.work.next_accident() => self.send(&accident).await,
                // A hub that was told to send no more has no use for it.
                status = self.news.next(), if !finishing => {
                    self.work.pause(self.news.told_paused());
                    self.send(&NodeMessage::NodeStatus(status)).await
                }
                change = self.watch.change() => match change {
                    Change::Slept => Err(Loss::Passing(LossReason::Slept)),
                    Change::Network => {
                        sign_of_life_by = Some(Instant::now() + self.node.sign_of_life);
                        dial::ping(&mut self.socket).await
                    }
                },
                () = sleep_until(sign_of_life_by.unwrap_or(silent_at).min(silent_at)) => {
                    Err(Loss::Passing(LossReason::Silent))
                }
            };
            if let Err(loss) = step {
                return End::Lost(loss);
            }
        }
        End::Stopped
    }

    /// Begins to end: what is here is answered, and the hub sends no more.
    async fn finish(&mut self) -> Result<(), Loss> {
        self.work.drain();
        if self.work.is_idle() {
            return Ok(());
        }
        self.node.status.stopping();
        tracing::info!("{}", self.node.language.finishing(self.work.running()));
        let status = NodeStatus {
            paused: Some(true),
            ..NodeStatus::default()
        };
        self.send(&NodeMessage::NodeStatus(status)).await
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
                if let Some(refusal) = self.work.audit(audit) {
                    self.send(&refusal).await?;
                }
            }
            HubMessage::Drain(drain) => {
                tracing::info!("{}", self.node.language.draining());
                self.hub_is_stopping = true;
                self.back_within = drain.reconnect_within_ms.map(Duration::from_millis);
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
        let (backend, duration) = (
            Arc::clone(&self.node.backend),
            Duration::from_millis(duration_ms),
        );
        tokio::spawn(async move {
            // One after the other: a GPU is fed by the CPU.
            let on_cpu = move || benchmark::multiply_adds_per_second(threads, duration);
            let Ok(cpu) = tokio::task::spawn_blocking(on_cpu).await else {
                return;
            };
            let result = NodeMessage::BenchmarkResult(BenchmarkResult {
                task_id,
                cpu_multiply_adds_per_second: cpu,
                gpu_multiply_adds_per_second: backend.gpu_multiply_adds_per_second().await,
            });
            // The connection may be gone by now; the next hub asks again.
            let _ = frames.send(result).await;
        });
    }

    /// A connection that takes nothing for so long is as lost as one that says nothing.
    async fn send(&mut self, frame: &NodeMessage) -> Result<(), Loss> {
        timeout(self.silence, dial::send(&mut self.socket, frame))
            .await
            .unwrap_or(Err(Loss::Passing(LossReason::Stuck)))
    }
}
