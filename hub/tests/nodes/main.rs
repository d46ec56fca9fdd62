//! What happens when things go wrong between clients, the hub and its nodes: each over real
//! sockets, with fake nodes.

#[path = "../support/mod.rs"]
mod support;

mod admission;
mod audits;
mod benchmark;
mod client;
mod clients_that_leave;
mod database;
mod ensemble;
mod handovers;
mod hedging;
mod history;
mod live_stats;
mod lost_nodes;
mod misbehaving_nodes;
mod node;
mod owners;
mod pressure;
mod queue;
mod shares;
mod shutdown;
mod silent_nodes;
