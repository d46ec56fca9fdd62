//! What the hub's tests share.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]

pub mod fake_node;
pub mod http;
pub mod hub;
pub mod local;
pub mod process;
pub mod sse;
