//! What an operator has to run a hub with: metrics, logs, traces, checks, copies of the database.
#![cfg(unix)]

#[path = "../support/mod.rs"]
mod support;

mod backup;
mod health;
mod logs;
mod metrics;
mod restart;
mod retention;
mod settings;
mod traces;
