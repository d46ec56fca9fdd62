//! Connects again and again, until the page wants no more or the hub says that it is no use.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::{mpsc::UnboundedSender, oneshot};
use futures_util::future::{FutureExt, pending};
use futures_util::select;
use node_core::Backoff;
use protocol::{NodeMessage, NodeStatus, close_code};
use wasm_bindgen::JsValue;

use crate::clock;
use crate::compute::Job;
use crate::connection::{Closed, Connection, Prospects};
use crate::event::{Event, Listener};
use crate::loading::Computation;
use crate::settings::{ConnectSettings, Wishes};

/// A hub that has not welcomed the node by then will not.
const LONGEST_WELCOME: Duration = Duration::from_secs(20);

/// The hub pings once per heartbeat and drops a node after as many without an answer.
const SILENT_HEARTBEATS: u32 = 3;

/// However long a hub that is replaced wants its nodes to take.
const LONGEST_UPGRADE: Duration = Duration::from_secs(60);

/// How often the watch on a sleeping machine looks at the clock.
const WATCH: Duration = Duration::from_secs(5);

/// The page's wish to be connected, and the connection of this moment.
#[derive(Debug)]
pub(crate) struct Line {
    settings: Rc<ConnectSettings>,
    model: engine::ModelInfo,
    computation: Rc<RefCell<Computation>>,
    wishes: Rc<Wishes>,
    jobs: UnboundedSender<Job>,
    listener: Listener,
    connection: RefCell<Option<Connection>>,
}

enum End {
    Refused(Closed),
    Lost(String),
}

impl Line {
    pub(crate) fn new(
        settings: ConnectSettings,
        model: engine::ModelInfo,
        computation: Rc<RefCell<Computation>>,
        wishes: Rc<Wishes>,
        jobs: UnboundedSender<Job>,
        listener: Listener,
    ) -> Rc<Self> {
        Rc::new(Self {
            settings: Rc::new(settings),
            model,
            computation,
            wishes,
            jobs,
            listener,
            connection: RefCell::default(),
        })
    }

    pub(crate) fn tell(&self, status: NodeStatus) {
        if let Some(connection) = &*self.connection.borrow() {
            connection.tell(status);
        }
    }

    /// Ends the connection there is, and its prompts.
    pub(crate) fn hang_up(&self) {
        self.connection.take();
    }

    /// Runs until the hub refuses the node for good, or the future is dropped.
    pub(crate) async fn run(self: Rc<Self>) {
        let mut backoff = Backoff::default();
        loop {
            let started = clock::now();
            let end = Rc::clone(&self).once().await;
            let connection = self.connection.take();
            let back_within = connection.and_then(|connection| connection.back_within());
            match end {
                Ok(End::Lost(reason)) => {
                    let random = fastrand::f64();
                    let delay = match back_within {
                        Some(within) => within.min(LONGEST_UPGRADE).mul_f64(random),
                        None => backoff.next(clock::now() - started, random),
                    };
                    self.listener.tell(&Event::Disconnected {
                        reason: &reason,
                        retry_in_ms: delay.as_secs_f64() * 1e3,
                    });
                    clock::sleep(delay).await;
                }
                Ok(End::Refused(Closed { code, reason })) => {
                    let reason = reason.as_str();
                    self.listener.tell(&Event::Refused { code, reason });
                    return;
                }
                Err(error) => {
                    let message = crate::model_file::describe(&error);
                    self.listener.tell(&Event::Failed {
                        code: "engine",
                        message: &message,
                    });
                    return;
                }
            }
        }
    }

    async fn once(self: Rc<Self>) -> Result<End, JsValue> {
        let line = Rc::clone(&self);
        let hello = move || {
            let gpu = line.computation.borrow().gpu.clone();
            let hello = line.settings.hello(&line.model, gpu, &line.wishes);
            NodeMessage::Hello(hello)
        };
        let (connection, prospects) = Connection::open(
            Rc::clone(&self.settings),
            self.jobs.clone(),
            self.listener.clone(),
            hello,
        )?;
        self.connection.replace(Some(connection));
        let Prospects { welcomed, closed } = prospects;
        let mut closed = closed.fuse();
        let heartbeat = select! {
            closed = closed => return Ok(ended(closed.ok())),
            heartbeat = or_never(welcomed).fuse() => heartbeat,
            () = clock::sleep(LONGEST_WELCOME).fuse() => {
                return Ok(End::Lost("no welcome".into()));
            }
        };
        if self.wishes.tab_hidden.get() {
            self.tell(NodeStatus {
                tab_hidden: Some(true),
                ..NodeStatus::default()
            });
        }
        select! {
            closed = closed => Ok(ended(closed.ok())),
            () = slept(heartbeat * SILENT_HEARTBEATS).fuse() => Ok(End::Lost("slept".into())),
        }
    }
}

/// Without a sender no welcome will come; the end of the connection will.
async fn or_never(welcomed: oneshot::Receiver<Duration>) -> Duration {
    match welcomed.await {
        Ok(heartbeat) => heartbeat,
        Err(_) => pending().await,
    }
}

fn ended(closed: Option<Closed>) -> End {
    match closed {
        Some(closed) if close_code::is_final(closed.code) => End::Refused(closed),
        Some(closed) if !closed.reason.is_empty() => End::Lost(closed.reason),
        _ => End::Lost("lost".into()),
    }
}

/// Resolves when the machine has slept for longer than the hub waits: the connection is then gone,
/// though the browser may take minutes to notice.
async fn slept(longest: Duration) {
    loop {
        let before = clock::wall();
        clock::sleep(WATCH).await;
        // A worker that computes is late by a step of a prompt, which takes seconds at most.
        if clock::wall().saturating_sub(before) > longest + WATCH {
            return;
        }
    }
}
