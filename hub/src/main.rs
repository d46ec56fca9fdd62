//! `kipina-hub`: reads the settings, serves, and stops in good order.

use std::{io::IsTerminal, process::ExitCode};

use anyhow::Context;
use hub::{
    config::{self, Config},
    help,
    notices::notices,
    server::{Server, ready_line},
};

fn main() -> ExitCode {
    let language = config::language();
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|it| it.to_string_lossy().into_owned())
        .collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => {}
        ["--help" | "-h"] => {
            println!("{}", help::help().in_language(language));
            return ExitCode::SUCCESS;
        }
        ["--version" | "-V"] => {
            println!("{}", help::version());
            return ExitCode::SUCCESS;
        }
        [unknown, ..] => {
            eprintln!("{}", help::unknown_argument(unknown).in_language(language));
            return ExitCode::from(2);
        }
    }
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(errors) => {
            eprintln!("{}", errors.in_language(language));
            return ExitCode::from(2);
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(config::log_filter())
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match serve(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(config: &Config) -> anyhow::Result<()> {
    let language = config::language();
    let server = Server::start(config)
        .await
        .map_err(|error| anyhow::anyhow!("{}", error.text().in_language(language)))?;
    let stop = stop_signal().context("signals can't be listened for")?;
    println!("{}", ready_line(server.address(), language));
    for notice in notices(config) {
        println!("{}", notice.in_language(language));
    }
    server.run(stop).await.context("the hub stopped serving")
}

/// Ctrl+C, or what a service manager sends. The second one ends the hub at once.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (stop, stopped) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut stop = Some(stop);
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            let Some(stop) = stop.take() else {
                std::process::exit(1)
            };
            tracing::info!("stopping: answers under way may finish; a second signal ends them");
            // A server that is gone needs no stopping.
            let _ = stop.send(());
        }
    });
    Ok(async {
        let _ = stopped.await;
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!("Ctrl+C can't be listened for: {error}");
            std::future::pending::<()>().await;
        }
    })
}
