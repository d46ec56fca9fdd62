//! What the hub adds to an answer: per token frame, per prompt, and with 200 streams at once.
//!
//! `cargo bench -p hub`. Hub, nodes and clients share this process and talk over loopback, so
//! the figures hold the sockets' and the clients' own time too. Fails where a frame is lost.

#[path = "../../tests/support/mod.rs"]
mod support;

mod client;
mod concurrent;
mod node;
mod single;
mod stamp;

use std::process::ExitCode;

use criterion::Criterion;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let runtime = Runtime::new().expect("a runtime starts");
    let mut criterion = Criterion::default().configure_from_args();
    single::measure(&mut criterion, &runtime);
    criterion.final_summary();

    let figures = runtime.block_on(concurrent::measure());
    println!("{figures}");
    if figures.frames_lost() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
