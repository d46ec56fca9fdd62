//! The flags of `kipina-node`, and its help in the reader's language.

use clap::{Arg, ArgAction, ArgMatches, Command, error::ErrorKind};

use crate::language::Language;

/// What the program is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    #[default]
    Run,
    /// Have the system run it, with the other flags, from now on.
    Install,
    Uninstall,
    /// Tell what the node that runs is doing.
    Status {
        json: bool,
    },
}

/// The flags as they were given; `config` checks them.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    pub action: Action,
    pub engine: bool,
    pub gpu: bool,
    pub cpu: bool,
    pub ollama: bool,
    pub openai: bool,
    pub models: Vec<String>,
    pub name: Option<String>,
    pub threads: Option<String>,
    pub slots: Option<String>,
    pub context: Option<String>,
    pub hub: Option<String>,
    pub status_port: Option<String>,
    pub log_file: Option<String>,
    pub hours: Vec<String>,
    pub max_gpu_temperature: Option<String>,
    pub yield_to_gpu_jobs: bool,
    pub not_on_battery: bool,
}

/// Why the program ends before it has begun.
#[derive(Debug, PartialEq)]
pub enum EarlyEnd {
    /// Asked for: the help or the version.
    Show(String),
    Wrong(String),
}

impl Arguments {
    /// `given`: without the program's own name.
    pub fn parse(given: &[String], language: Language) -> Result<Self, EarlyEnd> {
        let matches = command(language)
            .try_get_matches_from(given)
            .map_err(|error| match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                    EarlyEnd::Show(error.to_string())
                }
                kind => EarlyEnd::Wrong(language.wrong_flag(kind, wrong_part(&error).as_deref())),
            })?;
        let text = |name: &str| text(&matches, name);
        let texts = |name: &str| texts(&matches, name);
        Ok(Self {
            action: action(&matches, language)?,
            engine: matches.get_flag("engine"),
            gpu: matches.get_flag("gpu"),
            cpu: matches.get_flag("cpu"),
            ollama: matches.get_flag("ollama"),
            openai: matches.get_flag("openai"),
            models: texts("model"),
            name: text("name"),
            threads: text("threads"),
            slots: text("slots"),
            context: text("context"),
            hub: text("hub"),
            status_port: text("status-port"),
            log_file: text("log-file"),
            hours: texts("hours"),
            max_gpu_temperature: text("max-gpu-temperature"),
            yield_to_gpu_jobs: matches.get_flag("yield-to-gpu-jobs"),
            not_on_battery: matches.get_flag("not-on-battery"),
        })
    }
}

fn action(matches: &ArgMatches, language: Language) -> Result<Action, EarlyEnd> {
    if let Some(status) = matches.subcommand_matches("status") {
        let json = status.get_flag("json");
        return Ok(Action::Status { json });
    }
    match (matches.get_flag("install"), matches.get_flag("uninstall")) {
        (false, false) => Ok(Action::Run),
        (true, false) => Ok(Action::Install),
        (false, true) => Ok(Action::Uninstall),
        (true, true) => Err(EarlyEnd::Wrong(language.install_or_uninstall().to_owned())),
    }
}

fn command(language: Language) -> Command {
    let help = language.help();
    let flag = |name: &'static str, about: &'static str| {
        Arg::new(name)
            .long(name)
            .help(about)
            .action(ArgAction::SetTrue)
    };
    let value = |name: &'static str, unit: &'static str, about: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name(unit)
            .help(about)
            .allow_hyphen_values(false)
    };
    Command::new("kipina-node")
        .no_binary_name(true)
        .version(env!("CARGO_PKG_VERSION"))
        .about(help.about)
        .after_help(help.environment)
        .help_template(format!(
            "{{about}}\n\n{}: kipina-node {}\n\n{{options}}\n{{after-help}}\n",
            help.usage, help.usage_line
        ))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args([
            flag("ollama", help.ollama),
            flag("openai", help.openai),
            flag("engine", help.engine),
            flag("gpu", help.gpu),
            flag("cpu", help.cpu),
            value("model", "ID", help.model).action(ArgAction::Append),
            value("name", help.name_unit, help.name),
            value("threads", "N", help.threads),
            value("slots", "N", help.slots),
            value("context", "N", help.context),
            value("hub", "URL", help.hub),
            value("status-port", help.status_port_unit, help.status_port),
            value("log-file", help.log_file_unit, help.log_file),
            flag("install", help.install),
            flag("uninstall", help.uninstall),
            value("hours", "18-08", help.hours)
                .action(ArgAction::Append)
                .value_delimiter(','),
            value("max-gpu-temperature", "C", help.max_gpu_temperature),
            flag("yield-to-gpu-jobs", help.yield_to_gpu_jobs),
            flag("not-on-battery", help.not_on_battery),
            Arg::new("version")
                .long("version")
                .short('V')
                .help(help.version)
                .action(ArgAction::Version),
            help_flag(help.help),
        ])
        .disable_help_subcommand(true)
        .subcommand(
            Command::new("status")
                .about(help.status)
                .help_template(format!(
                    "{{about}}\n\n{}: kipina-node status [--json]\n\n{{options}}\n",
                    help.usage
                ))
                .disable_help_flag(true)
                .args([flag("json", help.json), help_flag(help.help)]),
        )
}

fn help_flag(about: &'static str) -> Arg {
    Arg::new("help")
        .long("help")
        .short('h')
        .help(about)
        .action(ArgAction::Help)
}

fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.get_one::<String>(name).cloned()
}

fn texts(matches: &ArgMatches, name: &str) -> Vec<String> {
    let given = matches.get_many::<String>(name);
    given.into_iter().flatten().cloned().collect()
}

fn wrong_part(error: &clap::Error) -> Option<String> {
    use clap::error::ContextKind::{InvalidArg, InvalidSubcommand};
    let part = error
        .get(InvalidArg)
        .or_else(|| error.get(InvalidSubcommand))?;
    Some(part.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(given: &[&str], language: Language) -> Result<Arguments, EarlyEnd> {
        let given: Vec<String> = given.iter().map(ToString::to_string).collect();
        Arguments::parse(&given, language)
    }

    #[test]
    fn flags_are_taken_as_they_are() {
        let given = [
            "--engine",
            "--model",
            "smollm2:135m",
            "--threads=2",
            "--name",
            "Sauna",
            "--model",
            "qwen2.5-coder:0.5b",
            "--cpu",
            "--hours",
            "18-08,12-13",
            "--hours=9:30-10",
        ];
        let arguments = parse(&given, Language::English).unwrap();
        assert!(arguments.engine && !arguments.ollama && !arguments.openai);
        assert!(arguments.cpu && !arguments.gpu);
        assert_eq!(arguments.models, ["smollm2:135m", "qwen2.5-coder:0.5b"]);
        assert_eq!(arguments.hours, ["18-08", "12-13", "9:30-10"]);
        assert_eq!(arguments.threads.as_deref(), Some("2"));
        assert_eq!(arguments.name.as_deref(), Some("Sauna"));
    }

    #[test]
    fn help_names_every_flag_and_variable_in_both_languages() {
        for (language, word) in [(Language::Finnish, "Käyttö"), (Language::English, "Usage")] {
            let Err(EarlyEnd::Show(help)) = parse(&["--help"], language) else {
                panic!("help is shown")
            };
            assert!(help.contains(word), "{help}");
            for name in [
                "--engine",
                "--ollama",
                "--openai",
                "--gpu",
                "--cpu",
                "--model",
                "--name",
                "--threads",
                "--slots",
                "--context",
                "--hub",
                "--status-port",
                "--log-file",
                "--install",
                "--uninstall",
                "kipina-node status [--json]",
                "--hours",
                "--max-gpu-temperature",
                "--yield-to-gpu-jobs",
                "--not-on-battery",
                "--version",
                "HUB_URL",
                "OLLAMA_URL",
                "OLLAMA_MODEL",
                "OPENAI_BASE_URL",
                "OPENAI_API_KEY",
                "NODE_API_KEY",
                "MODELS_DIR",
                "HF_ENDPOINT",
            ] {
                assert!(help.contains(name), "{name} is missing from:\n{help}");
            }
        }
    }

    #[test]
    fn a_wrong_flag_is_named_in_the_readers_language() {
        for language in [Language::Finnish, Language::English] {
            for given in [&["--gpus"][..], &["--model"], &["serve"]] {
                let Err(EarlyEnd::Wrong(message)) = parse(given, language) else {
                    panic!("{given:?} is wrong")
                };
                assert!(message.contains(given[0]), "{message}");
                assert!(message.contains("--help"), "{message}");
            }
        }
    }

    #[test]
    fn what_to_do_is_told_from_how_to_do_it() {
        let action = |given: &[&str]| parse(given, Language::English).map(|given| given.action);
        assert_eq!(action(&["--engine"]), Ok(Action::Run));
        assert_eq!(action(&["--install", "--engine"]), Ok(Action::Install));
        assert_eq!(action(&["--uninstall"]), Ok(Action::Uninstall));
        assert_eq!(action(&["status"]), Ok(Action::Status { json: false }));
        assert_eq!(
            action(&["status", "--json"]),
            Ok(Action::Status { json: true })
        );
        for wrong in [
            &["--install", "--uninstall"][..],
            &["--json"],
            &["status", "--engine"],
        ] {
            assert!(
                matches!(action(wrong), Err(EarlyEnd::Wrong(_))),
                "{wrong:?}"
            );
        }
        let Err(EarlyEnd::Show(help)) = action(&["status", "--help"]) else {
            panic!("help is shown")
        };
        assert!(help.contains("--json"), "{help}");
    }

    #[test]
    fn the_version_is_the_crates() {
        let Err(EarlyEnd::Show(version)) = parse(&["--version"], Language::Finnish) else {
            panic!("the version is shown")
        };
        assert_eq!(
            version.trim(),
            concat!("kipina-node ", env!("CARGO_PKG_VERSION"))
        );
    }
}
