//! Fetching models.

mod fetches;
mod source;
