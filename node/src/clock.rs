//! Time in a worker, and turns: letting the browser's other events have theirs.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageChannel, MessagePort, WorkerGlobalScope};

pub(crate) fn scope() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Time since the worker began, of a clock that never goes backwards.
pub(crate) fn now() -> Duration {
    let milliseconds = scope().performance().map_or(0.0, |clock| clock.now());
    Duration::from_secs_f64(milliseconds / 1e3)
}

/// Time since 1970, which goes on while the machine sleeps.
pub(crate) fn wall() -> Duration {
    Duration::from_secs_f64(js_sys::Date::now() / 1e3)
}

/// For waiting between connections; nothing that computes waits for a timer.
pub(crate) async fn sleep(duration: Duration) {
    let milliseconds = i32::try_from(duration.as_millis()).unwrap_or(i32::MAX);
    let promise = Promise::new(&mut |resolve, _| {
        let set =
            scope().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
        // A worker that is being ended sets no timers; it then waits for ever, as it should.
        drop(set);
    });
    let _ = JsFuture::from(promise).await;
}

/// Turns of the worker's event loop, by messages to itself: unlike timers they are not slowed down
/// in a tab that nobody looks at.
#[derive(Debug)]
pub(crate) struct Turns {
    near: MessagePort,
    waiting: Rc<RefCell<Option<oneshot::Sender<()>>>>,
    /// Called for each message, so it lives as long as the port.
    _callback: Closure<dyn FnMut()>,
}

impl Turns {
    pub(crate) fn new() -> Result<Self, JsValue> {
        let channel = MessageChannel::new()?;
        let waiting = Rc::new(RefCell::new(None::<oneshot::Sender<()>>));
        let waker = Rc::clone(&waiting);
        let callback = Closure::<dyn FnMut()>::new(move || {
            if let Some(waiting) = waker.take() {
                let _ = waiting.send(());
            }
        });
        channel
            .port2()
            .set_onmessage(Some(callback.as_ref().unchecked_ref()));
        Ok(Self {
            near: channel.port1(),
            waiting,
            _callback: callback,
        })
    }

    /// Resolves when every event that was due has been handled.
    pub(crate) async fn next(&self) {
        let (sender, receiver) = oneshot::channel();
        self.waiting.replace(Some(sender));
        if self.near.post_message(&JsValue::NULL).is_ok() {
            let _ = receiver.await;
        }
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.near.close();
    }
}
