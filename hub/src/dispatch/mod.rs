//! From a prompt to the node that answers it: the task that owns the scheduler, and its handles.

mod answer;
mod audits;
mod ensemble;
mod estimate;
mod handle;
mod message;
mod node;
mod outcome;
mod prompt;
mod rates;
mod refusal;
mod snapshot;
mod task;

pub use answer::{Answer, AnswerEvent, Done, Token};
pub use audits::{AuditCounts, NodeStanding};
pub use handle::{DispatchSettings, Dispatcher, PromptSubmission};
pub use outcome::{
    AnsweringNode, AuditRecord, Ending, Forget, NodeSighting, OutcomeSink, PromptOutcome, Record,
};
pub use refusal::{FailureKind, PromptFailure, Refusal};
pub use scheduler::audit::{AuditSettings, Sampled, Verdict};
pub use scheduler::{Benchmark, NodePreference};
pub use snapshot::{AvailableModel, Snapshot};

pub(crate) use message::{Command, Introduction, Membership, Report};
pub(crate) use prompt::{Delivery, Prompt};
