//! One connection to the hub, from `hello` to its end. Its callbacks do what a frame asks at once, so
//! that a cancellation is known at the very next turn.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_channel::{mpsc::UnboundedSender, oneshot};
use node_core::Failure;
use protocol::{
    HubMessage, LlmErrorCode, LlmPrompt, MAX_NODE_FRAME_BYTES, NodeMessage, NodeStatus, Task,
    TaskId,
};
use wasm_bindgen::prelude::*;
use web_sys::{CloseEvent, MessageEvent, WebSocket, console};

use crate::compute::Job;
use crate::event::{Event, Listener};
use crate::held::Held;
use crate::settings::ConnectSettings;

/// Answers at a time: the engine computes one.
const SLOTS: usize = 1;

/// What the connection's end looked like.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

/// Where frames for the hub go.
#[derive(Debug)]
pub(crate) struct Outbox {
    socket: WebSocket,
    held: Held,
    frame_bytes: Cell<usize>,
}

impl Outbox {
    /// A frame that the connection does not take is lost with it; the hub then asks another node.
    pub(crate) fn send(&self, frame: &NodeMessage) {
        if let Ok(text) = serde_json::to_string(frame) {
            let _ = self.socket.send_with_str(&text);
        }
    }

    pub(crate) fn finish(&self, task_id: &TaskId, frame: &NodeMessage) {
        self.held.finish(task_id);
        self.send(frame);
    }

    /// The longest frame that the hub takes.
    pub(crate) fn frame_bytes(&self) -> usize {
        self.frame_bytes.get()
    }
}

/// What the callbacks of a connection work on.
#[derive(Debug)]
struct Peer {
    outbox: Rc<Outbox>,
    jobs: UnboundedSender<Job>,
    listener: Listener,
    settings: Rc<ConnectSettings>,
    draining: Cell<bool>,
    /// The hub will be there again: over how long its nodes should spread their return.
    back_within: Cell<Option<Duration>>,
    /// The hub's heartbeat, told in its welcome.
    welcomed: RefCell<Option<oneshot::Sender<Duration>>>,
}

/// A connection; dropping it closes it and cancels its prompts.
#[derive(Debug)]
pub(crate) struct Connection {
    peer: Rc<Peer>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_open: Closure<dyn FnMut()>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

/// What will come of a connection.
#[derive(Debug)]
pub(crate) struct Prospects {
    pub(crate) welcomed: oneshot::Receiver<Duration>,
    pub(crate) closed: oneshot::Receiver<Closed>,
}

impl Connection {
    /// `hello`: the first frame, made when the connection is there.
    pub(crate) fn open(
        settings: Rc<ConnectSettings>,
        jobs: UnboundedSender<Job>,
        listener: Listener,
        hello: impl Fn() -> NodeMessage + 'static,
    ) -> Result<(Self, Prospects), JsValue> {
        let socket = WebSocket::new(&settings.hub_url)?;
        let (welcomed_sender, welcomed) = oneshot::channel();
        let (closed_sender, closed) = oneshot::channel();
        let peer = Rc::new(Peer {
            outbox: Rc::new(Outbox {
                socket: socket.clone(),
                held: Held::default(),
                frame_bytes: Cell::new(MAX_NODE_FRAME_BYTES),
            }),
            jobs,
            listener,
            settings,
            draining: Cell::new(false),
            back_within: Cell::new(None),
            welcomed: RefCell::new(Some(welcomed_sender)),
        });
        let outbox = Rc::clone(&peer.outbox);
        let on_open = Closure::<dyn FnMut()>::new(move || outbox.send(&hello()));
        let hearing = Rc::clone(&peer);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                hearing.hear(&text);
            }
        });
        let closing = Rc::clone(&peer.outbox);
        let mut closed_sender = Some(closed_sender);
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            closing.held.cancel_all();
            if let Some(sender) = closed_sender.take() {
                let _ = sender.send(Closed {
                    code: event.code(),
                    reason: event.reason(),
                });
            }
        });
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        let connection = Self {
            peer,
            _on_message: on_message,
            _on_open: on_open,
            _on_close: on_close,
        };
        Ok((connection, Prospects { welcomed, closed }))
    }

    /// Set once the hub has said that it is replaced.
    pub(crate) fn back_within(&self) -> Option<Duration> {
        self.peer.back_within.get()
    }

    pub(crate) fn tell(&self, status: NodeStatus) {
        // Before the welcome the hub waits for `hello`, which says the same.
        if self.peer.welcomed.borrow().is_none() {
            self.peer.outbox.send(&NodeMessage::NodeStatus(status));
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let socket = &self.peer.outbox.socket;
        socket.set_onopen(None);
        socket.set_onmessage(None);
        socket.set_onclose(None);
        // 1000: as agreed. A socket that is closed already stays so.
        let _ = socket.close_with_code(1000);
        self.peer.outbox.held.cancel_all();
    }
}

impl Peer {
    fn hear(&self, text: &str) {
        let message = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => {
                // A newer hub may say things that this build does not know.
                console::debug_1(&format!("a frame was not understood: {error}").into());
                return;
            }
        };
        match message {
            HubMessage::Welcome(welcome) => {
                self.outbox.frame_bytes.set(welcome.max_frame_bytes);
                if let Some(sender) = self.welcomed.take() {
                    let _ = sender.send(Duration::from_millis(welcome.heartbeat_ms));
                    self.listener.tell(&Event::Connected {
                        node_id: &welcome.node_id,
                    });
                }
            }
            HubMessage::LlmPrompt(prompt) => self.take(prompt),
            HubMessage::LlmCancel(cancel) => self.outbox.held.cancel(&cancel.task_id),
            HubMessage::AiTask(task) => {
                if let Task::Benchmark { duration_ms } = task.task {
                    self.give(Job::Benchmark {
                        task_id: task.task_id,
                        duration: Duration::from_millis(duration_ms),
                        outbox: Rc::clone(&self.outbox),
                    });
                }
            }
            HubMessage::AuditPrompt(audit) => {
                // A verdict counts from trusted nodes only, and a tab is nobody's but its visitor's.
                let message = "a tab doesn't judge other nodes' answers";
                let failure = Failure::new(LlmErrorCode::ModelUnavailable, message);
                self.outbox.send(&failure.into_frame(audit.task_id));
            }
            HubMessage::Drain(drain) => {
                self.draining.set(true);
                self.back_within
                    .set(drain.reconnect_within_ms.map(Duration::from_millis));
            }
        }
    }

    fn take(&self, prompt: LlmPrompt) {
        let refusal = if self.draining.get() {
            Some((LlmErrorCode::Unavailable, "the node is stopping".to_owned()))
        } else if self.outbox.held.count() >= SLOTS {
            Some((LlmErrorCode::Unavailable, "the node is busy".to_owned()))
        } else if prompt.request.model != self.settings.model_id {
            let message = format!("this tab has loaded `{}` only", self.settings.model_id);
            Some((LlmErrorCode::ModelUnavailable, message))
        } else {
            None
        };
        if let Some((code, message)) = refusal {
            let failure = Failure::new(code, message);
            self.outbox.send(&failure.into_frame(prompt.task_id));
        } else if let Some(cancelled) = self.outbox.held.take(&prompt.task_id) {
            self.give(Job::Prompt {
                prompt: Box::new(prompt),
                cancelled,
                outbox: Rc::clone(&self.outbox),
            });
        }
    }

    fn give(&self, job: Job) {
        // Nobody computes any more once the page has freed the node; the connection goes with it.
        let _ = self.jobs.unbounded_send(job);
    }
}
