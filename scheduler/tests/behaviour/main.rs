//! The scheduler from outside: readable transcripts, and properties of every course of events.

mod affinity;
mod benchmarks;
mod ensembles;
mod failing_nodes;
mod fairness;
mod hedging;
mod onlooker;
mod operators;
mod owners;
mod properties;
mod steps;
mod suspensions;
mod transcript;
mod transcripts;
mod waiting;
