//! The scheduler from outside: readable transcripts, and properties of every course of events.

mod onlooker;
mod properties;
mod steps;
mod transcript;
mod transcripts;
