//! The hub as its clients see it: `/v1/…` and `/api/…`.

mod chat;
mod client;
mod error;
mod events;
mod live;
mod models;
mod tls;

pub(crate) use chat::{Answer, ChatRequest, Message, Sampling};
pub(crate) use client::Hub;
pub(crate) use error::{HubError, Lack};
pub(crate) use models::Model;
