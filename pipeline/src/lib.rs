//! A team of agents turns an idea into a project's files.
//!
//! [`Pipeline`] is a plain value: [`Pipeline::handle`] takes an [`Event`] and says what is to be done; who asks the models,
//! saves and shows is up to whoever drives it. A [`Project`] is all there is to save.

mod agent;
#[cfg(target_arch = "wasm32")]
pub mod browser;
mod check;
mod clean;
mod context;
mod event;
mod kind;
mod machine;
mod opening;
mod path;
mod plan;
mod project;
mod request;
mod review;

pub use agent::{Agent, Role, Sampling, Team};
pub use check::ProjectProblem;
pub use clean::{STOPS, clean};
pub use context::{CountTokens, Share, most_tokens};
pub use event::{Effect, Event, Finish};
pub use machine::Pipeline;
pub use path::{FilePath, PathProblem};
pub use plan::{PlanProblem, PlannedFile};
pub use project::{Failure, File, FileProblem, FileState, Notice, Project, Run, Stage, Version};
pub use request::{Limits, Purpose, Request};
pub use review::{Issue, Verdict};
