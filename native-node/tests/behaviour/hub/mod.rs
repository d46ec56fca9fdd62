//! The node and a hub: welcome, prompts, cancels, silence, farewells.

mod fixture;
mod losses;
mod prompts;
mod rests;

pub(crate) use self::fixture::Fixture;
