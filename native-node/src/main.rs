//! `kipina-node`: reads what the owner asked for, starts the node, and stops it on Ctrl+C.

use std::process::ExitCode;

use anyhow::Context;
use native_node::{
    arguments::{Arguments, EarlyEnd},
    config::{Config, Environment},
    device, hub,
    language::Language,
    node::Node,
    status::Status,
    stop::{self, FINISHING, Stop, Stopping},
};
use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;

/// musl's own gives every large buffer back to the system at once: each token would cost page faults,
/// and a small model a fifth of its speed.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<ExitCode> {
    let environment = Environment::read();
    let language = Language::from_locale(environment.locale.as_deref());
    let given: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let arguments = match Arguments::parse(&given, language) {
        Ok(arguments) => arguments,
        Err(EarlyEnd::Show(text)) => {
            println!("{}", text.trim_end());
            return Ok(ExitCode::SUCCESS);
        }
        Err(EarlyEnd::Wrong(message)) => {
            eprintln!("kipina-node: {message}");
            return Ok(ExitCode::from(2));
        }
    };
    let config = match Config::new(&arguments, &environment, device::physical_cores()) {
        Ok(config) => config,
        Err(problems) => {
            for problem in &problems {
                eprintln!("kipina-node: {}", language.config_error(problem));
            }
            return Ok(ExitCode::from(2));
        }
    };
    log_to_terminal(environment.log_filter.as_deref());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.context("starting the runtime")?;
    let end = runtime.block_on(run(config, language));
    // A benchmark or a model that is being loaded must not keep the program from ending.
    runtime.shutdown_background();
    end
}

async fn run(config: Config, language: Language) -> anyhow::Result<ExitCode> {
    let (stop, stopping) = Stopping::new();
    tokio::spawn(stop::obey(signals()?, FINISHING, stop));
    let mut finish = stopping.clone();
    let started = tokio::select! {
        () = finish.wanted(Stop::Finish) => None,
        started = Node::start(config, Status::default()) => Some(started),
    };
    let served = match started {
        Some(Ok(node)) => hub::run(&node, stopping).await,
        Some(Err(error)) => Err(error),
        None => Ok(()),
    };
    Ok(match served {
        Ok(()) => {
            tracing::info!("{}", language.stopped());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("kipina-node: {}", language.node_error(&error));
            ExitCode::FAILURE
        }
    })
}

/// Every Ctrl+C, and every signal that service managers stop programs with.
#[cfg(unix)]
fn signals() -> anyhow::Result<mpsc::Receiver<()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for Ctrl+C")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if sender.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

#[cfg(not(unix))]
fn signals() -> anyhow::Result<mpsc::Receiver<()>> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).await.is_ok() {}
    });
    Ok(receiver)
}

/// Lines as they are: this log is a terminal's, for the machine's owner to read.
fn log_to_terminal(filter: Option<&str>) {
    let filter = EnvFilter::new(filter.unwrap_or("warn,native_node=info,kipina_node=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .without_time()
        .with_level(false)
        .with_target(false)
        .init();
}
