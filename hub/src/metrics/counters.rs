//! Everything that is counted as it happens. Names follow Prometheus' rules, and vLLM's and OpenTelemetry's words for
//! inference where those have one.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};
use protocol::{Catalogue, NodeKind};

use crate::dispatch::{FailureKind, PromptOutcome};

/// OpenTelemetry's buckets for the first token, and a tail for volunteers' machines.
const FIRST_TOKEN_SECONDS: [f64; 20] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    20.0, 40.0, 80.0, 160.0,
];

/// OpenTelemetry's buckets for each token after the first.
const OUTPUT_TOKEN_SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5,
];

const QUEUE_SECONDS: [f64; 13] = [
    0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
];

/// Of a whole answer, or of a request up to the beginning of its response.
const DURATION_SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0,
];

/// For models that the catalogue does not have: a node may call them what it likes.
const OTHER_MODEL: &str = "other";

/// Cheap to clone: a clone counts into the same counters.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    models: BTreeSet<String>,
    prompts: Family<Ending, Counter>,
    retries: Counter,
    prompt_tokens: Counter,
    cached_tokens: Counter,
    generation_tokens: Counter,
    queue_time: Histogram,
    first_token: Family<Answered, Histogram, fn() -> Histogram>,
    output_token: Family<Answered, Histogram, fn() -> Histogram>,
    duration: Histogram,
    node_joins: Family<Kind, Counter>,
    node_leaves: Family<Reason, Counter>,
    node_failures: Family<Reason, Counter>,
    verdicts: Family<Verdict, Counter>,
    frames_in: Counter,
    frames_out: Counter,
    requests: Family<Request, Counter>,
    request_duration: Family<Route, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ending {
    ending: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    model: String,
    node_kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Verdict {
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

impl Metrics {
    pub fn new(catalogue: &Catalogue) -> Self {
        let models = catalogue.models.iter().map(|model| model.id.clone());
        let frames = Family::<Direction, Counter>::default();
        let frames_of = |direction| frames.get_or_create_owned(&Direction { direction });
        let mut inner = Inner {
            registry: Registry::with_prefix("kipina"),
            models: models.collect(),
            prompts: Family::default(),
            retries: Counter::default(),
            prompt_tokens: Counter::default(),
            cached_tokens: Counter::default(),
            generation_tokens: Counter::default(),
            queue_time: Histogram::new(QUEUE_SECONDS),
            first_token: Family::new_with_constructor(|| Histogram::new(FIRST_TOKEN_SECONDS)),
            output_token: Family::new_with_constructor(|| Histogram::new(OUTPUT_TOKEN_SECONDS)),
            duration: Histogram::new(DURATION_SECONDS),
            node_joins: Family::default(),
            node_leaves: Family::default(),
            node_failures: Family::default(),
            verdicts: Family::default(),
            frames_in: frames_of("in"),
            frames_out: frames_of("out"),
            requests: Family::default(),
            request_duration: Family::new_with_constructor(|| Histogram::new(DURATION_SECONDS)),
        };
        inner.register_prompts();
        inner.register_nodes(frames);
        inner.register_requests();
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    pub(crate) fn node_joined(&self, kind: NodeKind) {
        let kind = kind_name(kind);
        self.inner.node_joins.get_or_create(&Kind { kind }).inc();
    }

    /// `reason`: one of a fixed set of words.
    pub(crate) fn node_left(&self, reason: &'static str) {
        self.inner
            .node_leaves
            .get_or_create(&Reason { reason })
            .inc();
    }

    /// A node had a prompt, and did not answer it to its end.
    pub(crate) fn node_failed(&self, kind: FailureKind) {
        let reason = kind.as_str();
        self.inner
            .node_failures
            .get_or_create(&Reason { reason })
            .inc();
    }

    pub(super) fn audited(&self, good: bool) {
        let verdict = if good { "good" } else { "bad" };
        self.inner
            .verdicts
            .get_or_create(&Verdict { verdict })
            .inc();
    }

    pub(crate) fn frame_in(&self) {
        self.inner.frames_in.inc();
    }

    pub(crate) fn frame_out(&self) {
        self.inner.frames_out.inc();
    }

    pub(super) fn request(
        &self,
        method: &'static str,
        route: String,
        status: u16,
        duration: Duration,
    ) {
        let request = Request {
            method,
            route: route.clone(),
            status,
        };
        self.inner.requests.get_or_create(&request).inc();
        self.inner
            .request_duration
            .get_or_create(&Route { route })
            .observe(duration.as_secs_f64());
    }

    pub(super) fn prompt_ended(&self, outcome: &PromptOutcome) {
        let inner = &*self.inner;
        let ending = outcome.ending.as_str();
        inner.prompts.get_or_create(&Ending { ending }).inc();
        inner
            .retries
            .inc_by(u64::from(outcome.attempts.saturating_sub(1)));
        let usage = outcome.usage;
        inner.prompt_tokens.inc_by(usage.prompt_tokens.into());
        inner.cached_tokens.inc_by(usage.cached_tokens.into());
        inner
            .generation_tokens
            .inc_by(usage.completion_tokens.into());
        inner.queue_time.observe(outcome.queued.as_secs_f64());
        inner.duration.observe(outcome.total.as_secs_f64());
        let (Some(first_token), Some(node)) = (outcome.first_token, &outcome.node) else {
            return;
        };
        let model = outcome
            .model
            .as_deref()
            .filter(|id| inner.models.contains(*id));
        let answered = Answered {
            model: model.unwrap_or(OTHER_MODEL).to_owned(),
            node_kind: kind_name(node.kind),
        };
        inner
            .first_token
            .get_or_create(&answered)
            .observe(first_token.as_secs_f64());
        if let Some(further @ 1..) = usage.completion_tokens.checked_sub(1) {
            let decode = outcome.total.saturating_sub(first_token);
            inner
                .output_token
                .get_or_create(&answered)
                .observe(decode.as_secs_f64() / f64::from(further));
        }
    }
}

impl Inner {
    fn register_prompts(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "prompts",
            "Prompts that came to their end, by how they ended",
            self.prompts.clone(),
        );
        registry.register(
            "prompt_retries",
            "Nodes that were given a prompt after another had not answered it to its end",
            self.retries.clone(),
        );
        registry.register(
            "prompt_tokens",
            "Tokens of prompts, as nodes counted them",
            self.prompt_tokens.clone(),
        );
        registry.register(
            "cached_prompt_tokens",
            "Tokens of prompts that nodes had computed before",
            self.cached_tokens.clone(),
        );
        registry.register(
            "generation_tokens",
            "Tokens of answers",
            self.generation_tokens.clone(),
        );
        registry.register_with_unit(
            "request_queue_time",
            "From a prompt's submission until its last node got it, or until it was refused",
            Unit::Seconds,
            self.queue_time.clone(),
        );
        registry.register_with_unit(
            "time_to_first_token",
            "From a prompt's submission to its answer's first token",
            Unit::Seconds,
            self.first_token.clone(),
        );
        registry.register_with_unit(
            "time_per_output_token",
            "Mean time between the tokens of an answer",
            Unit::Seconds,
            self.output_token.clone(),
        );
        registry.register_with_unit(
            "prompt_duration",
            "From a prompt's submission to its end",
            Unit::Seconds,
            self.duration.clone(),
        );
    }

    fn register_nodes(&mut self, frames: Family<Direction, Counter>) {
        let registry = &mut self.registry;
        registry.register(
            "node_joins",
            "Nodes that were let in",
            self.node_joins.clone(),
        );
        registry.register(
            "node_leaves",
            "Connections of nodes that ended, by why",
            self.node_leaves.clone(),
        );
        registry.register(
            "node_failures",
            "Prompts that a node had and did not answer to their end, by why",
            self.node_failures.clone(),
        );
        registry.register(
            "audit_verdicts",
            "Pools of audits that were judged, by what they said of the node",
            self.verdicts.clone(),
        );
        registry.register(
            "websocket_frames",
            "Frames from (in) and to (out) nodes",
            frames,
        );
    }

    fn register_requests(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "http_requests",
            "Requests, by the route that took them",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "From a request's head to the head of its response",
            Unit::Seconds,
            self.request_duration.clone(),
        );
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

pub(super) fn kind_name(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Browser => "browser",
        NodeKind::Native => "native",
    }
}
