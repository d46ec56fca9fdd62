//! What the tests talk to, and through.

mod home;
mod hub;
mod reply;
pub(crate) mod team;
#[cfg(unix)]
mod terminal;

pub(crate) use self::{
    home::{Ended, Home, ends, file, names, state, tree, until, versions},
    hub::{FakeHub, nobody},
    reply::{MODEL, Reply, events, refusal, whole},
};
#[cfg(unix)]
pub(crate) use self::{
    home::{interrupt, signal},
    terminal::Typist,
};
