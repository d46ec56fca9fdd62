//! `kipina-node`: reads what the owner asked for, starts the node, and stops it on Ctrl+C.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use native_node::{
    arguments::{Action, Arguments, EarlyEnd},
    ask::{self, Verdict},
    config::{Config, Environment, StatusPort},
    device,
    error::NodeError,
    hub,
    language::Language,
    logging,
    node::Node,
    page::{self, Places},
    service::ServiceError,
    setup,
    status::Status,
    stop::{self, FINISHING, Stop, Stopping},
};
use tokio::{runtime::Runtime, sync::mpsc};

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
    match arguments.action {
        Action::Status { json } => {
            return tell_status(json, &Places::of(&environment), language);
        }
        Action::Uninstall => return Ok(ended(setup::uninstall(&environment, language), language)),
        Action::Install | Action::Run => {}
    }
    let config = match Config::new(&arguments, &environment, device::physical_cores()) {
        Ok(config) => config,
        Err(problems) => {
            for problem in &problems {
                eprintln!("kipina-node: {}", language.config_error(problem));
            }
            return Ok(ExitCode::from(2));
        }
    };
    if arguments.action == Action::Install {
        let installed = runtime()?.block_on(setup::install(&given, &config, &environment));
        return Ok(ended(installed, language));
    }
    if let Err(error) = logging::start(
        environment.log_filter.as_deref(),
        config.log_file.as_deref(),
    ) {
        eprintln!("kipina-node: {}", language.log_error(&error));
        return Ok(ExitCode::from(2));
    }
    let runtime = runtime()?;
    let has_log_file = config.log_file.is_some();
    let end = runtime.block_on(run(config, &Places::of(&environment), language))?;
    // A benchmark or a model that is being loaded must not keep the program from ending.
    runtime.shutdown_background();
    Ok(match end {
        Ok(()) => {
            tracing::info!("{}", language.stopped());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let error = language.node_error(&error);
            // A service's standard error may be nobody's.
            if has_log_file {
                tracing::error!("{error}");
            } else {
                eprintln!("kipina-node: {error}");
            }
            ExitCode::FAILURE
        }
    })
}

fn runtime() -> anyhow::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.context("starting the runtime")
}

fn ended(result: Result<(), ServiceError>, language: Language) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kipina-node: {}", language.service_error(&error));
            ExitCode::FAILURE
        }
    }
}

/// `kipina-node status`.
fn tell_status(json: bool, places: &Places, language: Language) -> anyhow::Result<ExitCode> {
    let answers = runtime()?.block_on(ask::nodes(places, StatusPort::USUAL));
    let text = match (json, answers.is_empty()) {
        (true, _) => ask::as_json(&answers),
        (false, true) => format!("{}\n", language.no_node_runs()),
        (false, false) => ask::in_words(&answers, language),
    };
    // Whoever reads may have read enough.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::from(Verdict::of(&answers).exit_code()))
}

/// Serves until the owner stops the node, or something does that the node can't help.
async fn run(
    config: Config,
    places: &Places,
    language: Language,
) -> anyhow::Result<Result<(), NodeError>> {
    let status = Status::default();
    let _page = page::start(config.status_port, places, &status, language).await;
    let (stop, stopping) = Stopping::new();
    tokio::spawn(stop::obey(signals()?, FINISHING, stop));
    let mut finish = stopping.clone();
    let started = tokio::select! {
        () = finish.wanted(Stop::Finish) => None,
        started = Node::start(config, status) => Some(started),
    };
    Ok(match started {
        Some(Ok(node)) => hub::run(&node, stopping).await,
        Some(Err(error)) => Err(error),
        None => Ok(()),
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
