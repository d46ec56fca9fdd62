//! Which node answers which prompt: events in, effects out. No runtime, no clock, no sockets.
//!
//! [`Scheduler::handle`] takes the time and one [`Event`] and answers with the [`Effect`]s that its
//! owner must carry out, in order. It deals in ids and numbers only: the prompts themselves stay
//! with whoever owns them at the moment.

mod admission;
mod affinity;
pub mod audit;
mod benchmark;
mod breaker;
mod class;
mod cost;
mod deadlines;
mod eligible;
mod ensemble;
mod event;
mod fairness;
mod hedging;
mod lines;
mod listing;
mod names;
mod node;
mod placement;
mod prompt;
mod queue;
mod scheduler;
mod speed;
mod turns;
mod waiting;

pub use affinity::Prefix;
pub use breaker::BreakerSettings;
pub use ensemble::{AbleNode, EnsembleId};
pub use event::{Benchmark, Effect, Event, GiveUpReason, NodeId, NodeProfile, PromptId};
pub use fairness::ClientId;
pub use hedging::HedgeSettings;
pub use listing::{Listed, ListedPlace};
pub use names::ModelNames;
pub use prompt::{NodePreference, PromptProfile};
pub use scheduler::{NodeLoad, Scheduler, Settings};
pub use waiting::Standing;
