//! From a prompt to the node that answers it: the task that owns the scheduler, and its handles.

mod answer;
mod asked;
mod audits;
mod ensemble;
mod estimate;
mod fingerprint;
mod handle;
mod leaving;
mod load;
mod message;
mod node;
mod operators;
mod outcome;
mod prompt;
mod rates;
mod refusal;
mod said;
mod settings;
mod snapshot;
mod submission;
mod task;
mod trail;

pub use answer::{Answer, AnswerEvent, Done, Handover, HandoverReason, Token};
pub use asked::{Asked, Ticket};
pub use audits::{AuditCounts, AuditOverview, KnownAudits, NodeStanding, Suspended};
pub use handle::Dispatcher;
pub use load::{Crowd, Load};
pub use outcome::{
    AnsweringNode, AuditRecord, Ending, Forget, NodeSighting, OutcomeSink, PromptOutcome, Record,
};
pub use refusal::{FailureKind, PromptFailure, Refusal};
pub use scheduler::audit::{AuditSettings, Identity, Remembered, Sampled, Subject, Verdict};
pub use scheduler::{
    Benchmark, BreakerSettings, ClientId, HedgeSettings, NodePreference, Standing,
};
pub use settings::DispatchSettings;
pub use snapshot::{AvailableModel, Snapshot};
pub use submission::PromptSubmission;

pub(crate) use audits::Evidence;
pub(crate) use message::{Command, Introduction, Membership, Origin, Report};
pub(crate) use operators::{ListedPrompt, RosterEntry};
pub(crate) use prompt::{Delivery, Prompt};
pub(crate) use said::Rest;
