//! A prompt's way as spans, for traces and for the fields of its log lines: the queue, each attempt at a node, and in it
//! prefill and decode. Names of attributes are OpenTelemetry's for generative AI. Nothing of any text is in them.

use std::time::Duration;

use protocol::{TaskId, Usage};
use tracing::{Span, debug_span, field::Empty};

use super::{AnsweringNode, Ending, PromptFailure, PromptOutcome};

/// The spans that are open. Dropping one ends it.
#[derive(Debug)]
pub(super) struct Trail {
    prompt: Span,
    /// Waiting, or the attempt at a node.
    stretch: Span,
    /// What the node does at the moment.
    phase: Span,
}

impl Trail {
    /// Below the span that is current: the request's.
    pub(super) fn begin(task_id: &TaskId, requested_model: &str) -> Self {
        let prompt = debug_span!(
            "prompt",
            %task_id,
            gen_ai.operation.name = "chat",
            gen_ai.request.model = requested_model,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            ending = Empty,
            otel.status_code = Empty,
        );
        Self {
            stretch: debug_span!(parent: &prompt, "queue"),
            prompt,
            phase: Span::none(),
        }
    }

    pub(super) fn assigned(&mut self, node: &AnsweringNode, model: &str) {
        self.stretch = debug_span!(
            parent: &self.prompt,
            "attempt",
            node_id = node.id,
            node_name = node.name,
            node_kind = ?node.kind,
            gen_ai.response.model = model,
            failure = Empty,
            otel.status_code = Empty,
        );
        self.phase = debug_span!(parent: &self.stretch, "prefill");
    }

    /// The first that this node sent.
    pub(super) fn first_token(&mut self) {
        self.phase = debug_span!(parent: &self.stretch, "decode");
    }

    /// The node did not answer to the end: the prompt waits again, or is given up.
    pub(super) fn failed(&mut self, failure: &PromptFailure) {
        self.stretch.record("failure", failure.kind.as_str());
        self.stretch.record("otel.status_code", "ERROR");
        self.phase = Span::none();
        self.stretch = debug_span!(parent: &self.prompt, "queue");
    }

    /// Ends every span, and logs what became of the prompt.
    pub(super) fn end(self, outcome: &PromptOutcome) {
        let Usage {
            prompt_tokens,
            completion_tokens,
            ..
        } = outcome.usage;
        let ending = outcome.ending.as_str();
        self.prompt
            .record("gen_ai.usage.input_tokens", prompt_tokens);
        self.prompt
            .record("gen_ai.usage.output_tokens", completion_tokens);
        self.prompt.record("ending", ending);
        let is_failure = matches!(outcome.ending, Ending::Failed(_));
        if is_failure {
            self.prompt.record("otel.status_code", "ERROR");
        }
        let node_id = outcome.node.as_ref().map(|node| node.id.as_str());
        let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let first_token_ms = outcome.first_token.map(milliseconds);
        let total_ms = milliseconds(outcome.total);
        let (task_id, attempts) = (&outcome.task_id, outcome.attempts);
        macro_rules! log {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    %task_id, node_id, ending, attempts, first_token_ms, total_ms,
                    prompt_tokens, completion_tokens,
                    $message
                )
            };
        }
        // Within the span, so that a line tells of the request, too.
        let _within = self.prompt.enter();
        // What failed is worth a line where nobody asked for more.
        if is_failure {
            log!(info, "a prompt failed");
        } else {
            log!(debug, "a prompt ended");
        }
    }
}
