//! The scheduler from outside: readable transcripts, and properties of every course of events.

mod benchmarks;
mod ensembles;
mod onlooker;
mod owners;
mod properties;
mod steps;
mod suspensions;
mod transcript;
mod transcripts;
