//! The hub: takes prompts in, sends them to nodes, and streams the answers back.

pub mod dispatch;
pub mod nodes;
