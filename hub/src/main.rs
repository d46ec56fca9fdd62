//! `kipina-hub`: reads the settings, serves, and stops in good order.

use std::{io::Write, path::Path, process::ExitCode};

use anyhow::Context;
use hub::{
    commands,
    config::{self, Config},
    handover::{self, AskError},
    help,
    language::Text,
    logging::Logging,
    notices::notices,
    server::{Server, ready_line},
};

fn main() -> ExitCode {
    let language = config::language();
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|it| it.to_string_lossy().into_owned())
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let command: fn(&Config, &[&str]) -> ExitCode = match arguments.as_slice() {
        [] => |config, _| serve_and_report(config, Place::New),
        ["replace"] => |config, _| serve_and_report(config, Place::Taken),
        ["replace", "--or-start"] => |config, _| serve_and_report(config, Place::TakenOrNew),
        ["check"] => |config, _| report(commands::check(config)),
        ["backup", _] => |config, rest| report(commands::back_up(config, Path::new(rest[0]))),
        ["backup", ..] => return refuse(&help::backup_without_path()),
        ["restore", _] => |config, rest| report(commands::restore(config, Path::new(rest[0]))),
        ["restore", ..] => return refuse(&help::restore_without_path()),
        ["ready"] => |config, _| report(commands::ready(config)),
        ["--help" | "-h"] => {
            println!("{}", help::help().in_language(language));
            return ExitCode::SUCCESS;
        }
        ["--version" | "-V"] => {
            println!("{}", help::version());
            return ExitCode::SUCCESS;
        }
        [unknown, ..] => return refuse(&help::unknown_argument(unknown)),
    };
    for note in Config::suspicious_names() {
        eprintln!("{}", note.in_language(language));
    }
    match Config::from_environment() {
        Ok(config) => command(&config, arguments.get(1..).unwrap_or_default()),
        Err(errors) => {
            eprintln!("{}", errors.in_language(language));
            ExitCode::from(2)
        }
    }
}

/// The command can't be obeyed as it was given.
fn refuse(text: &Text) -> ExitCode {
    eprintln!("{}", text.in_language(config::language()));
    ExitCode::from(2)
}

fn report(result: Result<Text, Text>) -> ExitCode {
    let language = config::language();
    match result {
        Ok(text) => {
            println!("{}", text.in_language(language));
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{}", text.in_language(language));
            ExitCode::FAILURE
        }
    }
}

/// Where the listening socket comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    New,
    /// From the hub that runs.
    Taken,
    /// From the hub that runs, if one does.
    TakenOrNew,
}

fn serve_and_report(config: &Config, place: Place) -> ExitCode {
    match serve(config, place) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(config: &Config, place: Place) -> anyhow::Result<()> {
    let language = config::language();
    let logging = Logging::start(&config.log).context("the log can't be written")?;
    let server = match place {
        Place::New => Server::start(config).await,
        Place::Taken | Place::TakenOrNew => match handover::ask(&config.database_path).await {
            Ok(predecessor) => Server::take_over(config, predecessor).await,
            Err(AskError::Nobody { .. }) if place == Place::TakenOrNew => {
                Server::start(config).await
            }
            Err(error) => return Err(in_words(&commands::not_replaced(&error))),
        },
    };
    let server = server.map_err(|error| in_words(&error.text()))?;
    let stop = stop_signal().context("signals can't be listened for")?;
    replace_on_signal().context("signals can't be listened for")?;
    let mut said = vec![ready_line(server.address(), language)];
    said.extend(
        notices(config, server.address().ip())
            .iter()
            .map(|notice| notice.in_language(language).to_owned()),
    );
    // A starter that reads no more is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{}", said.join("\n"));
    tell_the_service_manager();
    let served = server.run(stop).await.context("the hub stopped serving");
    logging.close().await;
    served
}

fn in_words(text: &Text) -> anyhow::Error {
    anyhow::anyhow!("{}", text.in_language(config::language()))
}

/// On SIGUSR2 this program, as it lies on the disk by now, is started to take over.
#[cfg(unix)]
fn replace_on_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut wanted = signal(SignalKind::user_defined2())?;
    tokio::spawn(async move {
        while wanted.recv().await.is_some() {
            if let Err(error) = start_successor() {
                tracing::error!("the program that should take over can't be started: {error}");
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn replace_on_signal() -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn start_successor() -> std::io::Result<()> {
    let program = std::env::current_exe()?;
    // Linux says so of a file that another was moved over, which is how programs are replaced.
    let program = program.to_string_lossy().into_owned();
    let program = program.strip_suffix(" (deleted)").unwrap_or(&program);
    tracing::info!("{program} is started to take over");
    let mut successor = std::process::Command::new(program).arg("replace").spawn()?;
    // Where it does not take over, somebody has to notice its end. A thread of the runtime's would hold this process up.
    std::thread::spawn(move || {
        if let Ok(status) = successor.wait() {
            tracing::error!("the program that should take over has ended: {status}");
        }
    });
    Ok(())
}

/// systemd then knows that the hub is ready, and that this is its process from now on.
#[cfg(unix)]
fn tell_the_service_manager() {
    use sd_notify::NotifyState;

    // Without a service manager there is nobody to tell.
    let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::MainPid(std::process::id())]);
}

#[cfg(not(unix))]
fn tell_the_service_manager() {}

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
