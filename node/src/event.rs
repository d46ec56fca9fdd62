//! What the page is told: `NodeEvent` of `wasm.ts`.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Function;
use serde::Serialize;
use wasm_bindgen::JsValue;

#[derive(Debug, Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Event<'a> {
    Connected {
        node_id: &'a str,
    },
    Disconnected {
        reason: &'a str,
        retry_in_ms: f64,
    },
    Refused {
        code: u16,
        reason: &'a str,
    },
    PromptStarted {
        task_id: &'a str,
    },
    Token {
        task_id: &'a str,
        count: usize,
    },
    PromptFinished {
        task_id: &'a str,
        prompt_tokens: usize,
        completion_tokens: usize,
        prefill_ms: f64,
        decode_ms: f64,
        outcome: Outcome,
    },
    GpuLost {
        message: &'a str,
    },
    Failed {
        code: &'a str,
        message: &'a str,
    },
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Done,
    Cancelled,
    Failed,
}

/// Where events go: the callback that the page gave last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listener(Rc<RefCell<Option<Function>>>);

impl Listener {
    pub(crate) fn set(&self, callback: Function) {
        self.0.replace(Some(callback));
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        let callback = self.0.borrow().clone();
        let (Some(callback), Ok(event)) = (callback, serde_wasm_bindgen::to_value(event)) else {
            return;
        };
        // A page whose listener throws has told its own console; the node goes on.
        let _ = callback.call1(&JsValue::NULL, &event);
    }
}
