//! What the page holds: a loaded model and its connection to the hub.

use std::cell::RefCell;
use std::rc::Rc;

use engine::{EngineError, EngineOptions, ModelInfo};
use futures_channel::mpsc::{UnboundedSender, unbounded};
use futures_channel::oneshot;
use futures_util::future::{AbortHandle, Abortable, abortable};
use js_sys::{Function, Promise};
use protocol::NodeStatus;
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{future_to_promise, spawn_local};

use crate::clock::Turns;
use crate::compute::{Job, Worker};
use crate::distribution::{self, Foresee};
use crate::event::{Event, Listener};
use crate::loading::{Computation, Loader};
use crate::loss::Rebuild;
use crate::measure::{Measure, Prompt};
use crate::model_file::ModelFile;
use crate::reconnect::Line;
use crate::settings::{ConnectSettings, LoadOptions, Wishes};

/// `ComputeNode` of `wasm.ts`.
#[wasm_bindgen]
#[derive(Debug)]
pub struct ComputeNode {
    model: ModelInfo,
    computation: Rc<RefCell<Computation>>,
    jobs: UnboundedSender<Job>,
    rebuilds: UnboundedSender<Rebuild>,
    listener: Listener,
    wishes: Rc<Wishes>,
    line: RefCell<Option<(Rc<Line>, AbortHandle)>>,
    /// Of the last measurement, which may be over.
    measuring: RefCell<Option<AbortHandle>>,
    /// Of the last look at the next token, likewise.
    foreseeing: RefCell<Option<AbortHandle>>,
}

#[wasm_bindgen]
impl ComputeNode {
    /// Reads the whole file and makes it ready to compute.
    ///
    /// # Errors
    /// Where the file can't be read or is no model, and a `RangeError` where the memory does not
    /// suffice.
    pub async fn load(
        file: ModelFile,
        options: JsValue,
        on_progress: Function,
    ) -> Result<ComputeNode, JsValue> {
        let options: LoadOptions = serde_wasm_bindgen::from_value(options)?;
        let listener = Listener::default();
        report_panics(listener.clone());
        let (threads, spawn) = start_threads(options.threads).await;
        let engine_options = EngineOptions {
            threads,
            spawn,
            context_length: Some(options.context_length),
            cache_tokens: None,
            gpu: None,
        };
        let loader = Loader::new(engine_options, options.compute, options.adapter);
        loader.recall(options.tuning);
        let engine = loader.load(&file, &on_progress).await?;
        let model = engine.info().clone();
        let computation = loader.computation();
        let (jobs, job_receiver) = unbounded();
        let (rebuilds, rebuild_receiver) = unbounded();
        let worker = Worker {
            loader,
            jobs: job_receiver,
            rebuilds: rebuild_receiver,
            turns: Turns::new()?,
            listener: listener.clone(),
        };
        spawn_local(worker.run(engine));
        Ok(Self {
            model,
            computation,
            jobs,
            rebuilds,
            listener,
            wishes: Rc::default(),
            line: RefCell::default(),
            measuring: RefCell::default(),
            foreseeing: RefCell::default(),
        })
    }

    /// Joins, and joins again whenever the connection breaks, until [`Self::disconnect`].
    ///
    /// # Errors
    /// Where the settings are not `ConnectSettings`.
    pub fn connect(&self, settings: JsValue, on_event: Function) -> Result<(), JsValue> {
        self.disconnect();
        let settings: ConnectSettings = serde_wasm_bindgen::from_value(settings)?;
        self.listener.set(on_event);
        self.wishes.paused.set(settings.paused);
        self.wishes.only_own.set(settings.only_own);
        self.wishes.tab_hidden.set(settings.tab_hidden);
        let line = Line::new(
            settings,
            self.model.clone(),
            Rc::clone(&self.computation),
            Rc::clone(&self.wishes),
            self.jobs.clone(),
            self.listener.clone(),
        );
        let (run, handle) = abortable(Rc::clone(&line).run());
        self.line.replace(Some((line, handle)));
        spawn_local(async {
            let _ = run.await;
        });
        Ok(())
    }

    /// Stops taking prompts, or takes them again.
    #[wasm_bindgen(js_name = setPaused)]
    pub fn set_paused(&self, paused: bool) {
        self.wishes.paused.set(paused);
        self.tell(NodeStatus {
            paused: Some(paused),
            ..NodeStatus::default()
        });
    }

    /// Prompts of this browser's owner only, or everybody's.
    #[wasm_bindgen(js_name = setOnlyOwn)]
    pub fn set_only_own(&self, only_own: bool) {
        self.wishes.only_own.set(only_own);
        self.tell(NodeStatus {
            only_own: Some(only_own),
            ..NodeStatus::default()
        });
    }

    /// Whether anybody looks at the tab.
    #[wasm_bindgen(js_name = setTabHidden)]
    pub fn set_tab_hidden(&self, hidden: bool) {
        self.wishes.tab_hidden.set(hidden);
        self.tell(NodeStatus {
            tab_hidden: Some(hidden),
            ..NodeStatus::default()
        });
    }

    /// Measures, after whatever is being computed: a prompt (ids, or how many) and `decode_tokens` of
    /// its answer. Another measurement, and the node's end, give this one up.
    ///
    /// # Errors
    /// Where the prompt is neither; the promise rejects where the two don't fit into the context, and
    /// when the measurement is given up.
    pub fn measure(
        &self,
        prompt: JsValue,
        decode_tokens: usize,
        keep_cache: bool,
    ) -> Result<Promise, JsValue> {
        let prompt = Prompt::read(prompt)?;
        let (reply, measured) = replacing(&self.measuring);
        let measure = Measure {
            prompt,
            decode_tokens,
            keep_cache,
            reply,
        };
        // Where nobody computes any more, the reply's sender is gone, and the promise says so.
        let _ = self.jobs.unbounded_send(Job::Measure(measure));
        Ok(promise(measured, "the measurement was given up"))
    }

    /// What the model says about the token after an input (a text to go on from, or a conversation's
    /// messages), after whatever is being computed: the `count` likeliest tokens, and the others summed
    /// up. Another look, and the node's end, give this one up.
    ///
    /// # Errors
    /// Where the input is neither; the promise rejects where it is empty or does not fit into the
    /// context, and when the look is given up.
    pub fn distribution(
        &self,
        input: JsValue,
        count: usize,
        on_progress: Function,
    ) -> Result<Promise, JsValue> {
        let input = distribution::read_input(input)?;
        let (reply, foreseen) = replacing(&self.foreseeing);
        let foresee = Foresee {
            input,
            count,
            on_progress,
            reply,
        };
        let _ = self.jobs.unbounded_send(Job::Foresee(foresee));
        Ok(promise(foreseen, "the look was given up"))
    }

    /// What computes now: `Computation` of `wasm.ts`.
    ///
    /// # Errors
    /// Where the browser can't hold it.
    pub fn computation(&self) -> Result<JsValue, JsValue> {
        let serializer = Serializer::new()
            .serialize_missing_as_null(true)
            .serialize_maps_as_objects(true);
        Ok(self.computation.borrow().serialize(&serializer)?)
    }

    /// Builds the model anew after the page was told `gpuLost`: the first time on the GPU again, then on
    /// the processor. Whatever is asked waits for it; where the promise rejects, for the next call.
    pub fn rebuild(&self, file: ModelFile, on_progress: Function) -> Promise {
        let (reply, rebuilt) = oneshot::channel();
        let rebuild = Rebuild {
            file,
            on_progress,
            reply,
        };
        let _ = self.rebuilds.unbounded_send(rebuild);
        future_to_promise(async move {
            match rebuilt.await {
                Ok(result) => result.map(|()| JsValue::UNDEFINED),
                Err(_) => Err(js_sys::Error::new("the node was freed").into()),
            }
        })
    }

    /// Leaves the hub; what was being answered is given up.
    pub fn disconnect(&self) {
        if let Some((line, handle)) = self.line.take() {
            handle.abort();
            line.hang_up();
        }
    }
}

impl ComputeNode {
    fn tell(&self, status: NodeStatus) {
        if let Some((line, _)) = &*self.line.borrow() {
            line.tell(status);
        }
    }
}

impl Drop for ComputeNode {
    fn drop(&mut self) {
        self.disconnect();
        for running in [&self.measuring, &self.foreseeing] {
            if let Some(running) = running.take() {
                running.abort();
            }
        }
    }
}

/// A job's reply, in the place of the one before it, which is given up.
fn replacing<T>(
    running: &RefCell<Option<AbortHandle>>,
) -> (oneshot::Sender<T>, Abortable<oneshot::Receiver<T>>) {
    let (reply, received) = oneshot::channel();
    let (received, handle) = abortable(received);
    if let Some(before) = running.replace(Some(handle)) {
        before.abort();
    }
    (reply, received)
}

fn promise<T: Serialize + 'static>(
    received: Abortable<oneshot::Receiver<Result<T, EngineError>>>,
    given_up: &'static str,
) -> Promise {
    future_to_promise(async move {
        match received.await {
            Ok(Ok(Ok(value))) => Ok(serde_wasm_bindgen::to_value(&value)?),
            Ok(Ok(Err(error))) => Err(js_sys::Error::new(&error.to_string()).into()),
            Ok(Err(_)) | Err(_) => Err(js_sys::Error::new(given_up).into()),
        }
    })
}

/// The threads that there are, the worker itself included, and the way to use them.
#[cfg(target_feature = "atomics")]
async fn start_threads(wanted: usize) -> (usize, engine::Spawn) {
    crate::threads::start(wanted.saturating_sub(1)).await;
    (wanted.max(1), crate::threads::spawn)
}

#[cfg(not(target_feature = "atomics"))]
async fn start_threads(_: usize) -> (usize, engine::Spawn) {
    (1, |_| false)
}

/// A mistake of our own ends the worker; its words reach the page first.
fn report_panics(listener: Listener) {
    // The hook must be `Send`, which a callback of this worker's is not: it stays with its thread.
    thread_local! {
        static LISTENER: RefCell<Listener> = RefCell::default();
    }
    LISTENER.set(listener);
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.to_string();
        web_sys::console::error_1(&message.as_str().into());
        let listener = LISTENER.with_borrow(Clone::clone);
        listener.tell(&Event::Failed {
            code: "engine",
            message: &message,
        });
    }));
}
