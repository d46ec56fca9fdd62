//! What the hub adds, how much it carries, and what grows with what: `bench/load.sh`.
//!
//! Nodes and clients share this process, on one thread; the hub is a process of its own.

mod beside;
mod growth;
mod history;
mod idle;
mod queue;
mod short;
mod single;
mod streams;
mod verdict;

use std::{path::PathBuf, process::ExitCode};

use hub_bench::{
    arguments::Arguments,
    machine::{load_average, machine, record},
};
use verdict::Verdicts;

/// What the parts need to know.
#[derive(Debug)]
struct Given {
    hub: PathBuf,
    litellm: PathBuf,
    streams: u32,
    idle_nodes: u32,
    seconds: u64,
    rows: u32,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::read(&[
        "hub", "results", "date", "parts", "litellm", "streams", "nodes", "seconds", "rows",
    ])?;
    let given = Given {
        hub: arguments.path("hub")?,
        litellm: arguments.path("litellm")?,
        streams: arguments.number("streams")?,
        idle_nodes: arguments.number("nodes")?,
        seconds: arguments.number("seconds")?,
        rows: arguments.number("rows")?,
    };
    let load_at_start = load_average();
    // One thread: the other processor is the hub's.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut verdicts = Verdicts::default();
    let mut sections = Vec::new();
    for part in arguments.text("parts")?.split_whitespace() {
        eprintln!("{part}: load average {}", load_average());
        let section = runtime.block_on(measure(part, &given, &mut verdicts))?;
        eprintln!("{section}");
        sections.push(section);
    }
    let section = format!(
        "## {}: what the hub carries\n\n`bench/load.sh`: the hub a process, fake nodes and clients another, on one thread, over loopback.\n\
         {}; load average when it began {load_at_start}, at the end {}.\n\n{}\n{}",
        arguments.text("date")?,
        machine(),
        load_average(),
        sections.join("\n"),
        verdicts.table(),
    );
    record(&arguments.path("results")?, &section)?;
    Ok(verdicts.exit_code())
}

async fn measure(part: &str, given: &Given, verdicts: &mut Verdicts) -> anyhow::Result<String> {
    match part {
        "single" => single::measure(given).await,
        "streams" => streams::measure(given, verdicts).await,
        "short" => short::measure(given).await,
        "beside" => beside::measure(given, verdicts).await,
        "idle" => idle::measure(given, verdicts).await,
        "growth" => growth::measure(given).await,
        "queue" => queue::measure(given).await,
        "history" => history::measure(given).await,
        unknown => anyhow::bail!(
            "{unknown}: there are the parts single, streams, short, beside, idle, growth, queue and history"
        ),
    }
}
