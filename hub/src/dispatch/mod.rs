//! From a prompt to the node that answers it: the task that owns the scheduler, and its handles.

mod answer;
mod handle;
mod outcome;
mod refusal;
mod snapshot;

pub use answer::{Answer, AnswerEvent, Done, Token};
pub use handle::{DispatchSettings, Dispatcher, NodePreference, PromptSubmission};
pub use outcome::{
    AnsweringNode, Ending, Forget, NodeSighting, OutcomeSink, PromptOutcome, Record,
};
pub use refusal::{FailureKind, PromptFailure, Refusal};
pub use snapshot::{AvailableModel, Snapshot};
