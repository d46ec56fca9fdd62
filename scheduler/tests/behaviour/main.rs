//! The scheduler from outside: readable transcripts, and properties of every course of events.

mod benchmarks;
mod onlooker;
mod owners;
mod properties;
mod steps;
mod transcript;
mod transcripts;
