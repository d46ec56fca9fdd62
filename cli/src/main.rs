//! `kpn`: Kipinä from a terminal.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod commands;
mod config;
mod error;
mod hub;
mod interrupt;
mod language;
mod output;
mod project;
mod text;
mod visible;

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;

use crate::{
    arguments::{Arguments, EarlyEnd, wished_language},
    commands::Context,
    config::{ConfigFile, Environment, Settings},
    error::{Failure, exit},
    hub::Hub,
    interrupt::Interrupt,
    language::Language,
    output::Output,
};

fn main() -> ExitCode {
    let environment = Environment::read();
    let given: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    // Asked for JSON, even an error in the arguments is told in it.
    let json = given
        .iter()
        .take_while(|word| *word != "--")
        .any(|word| word == "--json");
    let mut output = Output::new(json, environment.may_colour);
    let file = ConfigFile::read(environment.config_file().as_deref());
    let from_file = file
        .as_ref()
        .ok()
        .and_then(|file| file.language)
        .map(Language::from);
    let language = wished_language(&given)
        .or(from_file)
        .unwrap_or_else(|| Language::from_locale(environment.locale.as_deref()));
    let arguments = match Arguments::parse(&given, language) {
        Ok(arguments) => arguments,
        Err(EarlyEnd::Show(text)) => {
            return code_of(
                output
                    .piece(&format!("{}\n", text.trim_end()))
                    .map_err(Into::into),
            );
        }
        Err(EarlyEnd::Wrong(message)) => {
            // Where even this can't be told, the exit code remains.
            let _ = output.failure(exit::USAGE, &message);
            return ExitCode::from(exit::USAGE);
        }
    };
    output.json = arguments.json;
    let ended = file
        .map_err(Failure::from)
        .and_then(|file| run(arguments, environment, file, language, output));
    if let Err(failure) = &ended
        && !failure.is_told()
    {
        // As above.
        let _ = output.failure(failure.exit_code(), &language.failure(failure));
    }
    code_of(ended)
}

fn run(
    arguments: Arguments,
    environment: Environment,
    file: ConfigFile,
    language: Language,
    output: Output,
) -> Result<(), Failure> {
    let settings = Settings::new(arguments.given, &environment, file)?;
    let silence = Duration::from_secs(arguments.silence_seconds);
    let hub = Hub::new(settings.hub.clone(), settings.key.clone(), silence)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let ended = runtime.block_on(async {
        let context = Context {
            language,
            output,
            settings,
            hub,
            interrupt: Interrupt::listen()?,
            state_home: environment.state_home,
        };
        commands::run(arguments.command, context).await
    });
    // Somebody who reads input must not keep the program from ending.
    runtime.shutdown_background();
    ended
}

fn code_of(ended: Result<(), Failure>) -> ExitCode {
    ExitCode::from(ended.err().map_or(exit::OK, |failure| failure.exit_code()))
}
