//! The commands and flags of `kpn`, with their help in the reader's language.

use std::path::PathBuf;

use clap::{
    Arg, ArgAction, ArgMatches, Command as Clap, builder::PossibleValuesParser, error::ErrorKind,
    value_parser,
};
use clap_complete::Shell;
use pipeline::Role;

use crate::{
    config::{Given, Secret},
    language::{Help, Language},
};

#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) given: Given,
    pub(crate) json: bool,
    /// How long the hub may be silent.
    pub(crate) silence_seconds: u64,
    pub(crate) command: Command,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    Chat { agent: Option<Role> },
    Ask(Ask),
    Project(Project),
    Models,
    Nodes,
    Stats { watch: bool },
    Bench { runs: u32 },
    Verify,
    Completions(Shell),
    Man,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ask {
    /// `-` stands for what comes in.
    pub(crate) words: Vec<String>,
    pub(crate) agent: Option<Role>,
    pub(crate) system: Option<String>,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) temperature: Option<f64>,
    pub(crate) seed: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Project {
    pub(crate) words: Vec<String>,
    pub(crate) out: PathBuf,
    pub(crate) force: bool,
    pub(crate) patience_seconds: u64,
}

/// Why the program ends before it has begun.
#[derive(Debug, PartialEq)]
pub(crate) enum EarlyEnd {
    /// Asked for: the help or the version.
    Show(String),
    Wrong(String),
}

const ROLES: [(&str, Role); 6] = [
    ("manager", Role::Manager),
    ("coder", Role::Coder),
    ("data", Role::Data),
    ("tester", Role::Tester),
    ("reviewer", Role::Reviewer),
    ("observer", Role::Observer),
];

/// The value of `--lang`, before anything else is read: even what is wrong is told in that language.
pub(crate) fn wished_language(given: &[String]) -> Option<Language> {
    let mut words = given.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let value = match word {
            "--" => return None,
            "--lang" => words.next(),
            other => other.strip_prefix("--lang="),
        };
        match value {
            Some("fi") => return Some(Language::Finnish),
            Some("en") => return Some(Language::English),
            _ => {}
        }
    }
    None
}

impl Arguments {
    /// `given`: without the program's own name.
    pub(crate) fn parse(given: &[String], language: Language) -> Result<Self, EarlyEnd> {
        let words = std::iter::once("kpn".to_owned()).chain(given.iter().cloned());
        let matches = command(language)
            .try_get_matches_from(words)
            .map_err(|error| match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                    EarlyEnd::Show(error.to_string())
                }
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                    EarlyEnd::Wrong(error.to_string())
                }
                kind => EarlyEnd::Wrong(language.wrong_flag(kind, wrong_part(&error).as_deref())),
            })?;
        let (name, own) = matches
            .subcommand()
            .ok_or_else(|| EarlyEnd::Wrong(command(language).render_help().to_string()))?;
        Ok(Self {
            given: Given {
                hub: text(own, "hub"),
                key: text(own, "key").map(|key| Secret::new(&key)),
                model: text(own, "model"),
            },
            json: own.get_flag("json"),
            silence_seconds: own.get_one("timeout").copied().unwrap_or(60),
            command: chosen(name, own),
        })
    }
}

fn chosen(name: &str, own: &ArgMatches) -> Command {
    match name {
        "chat" => Command::Chat { agent: role(own) },
        "ask" => Command::Ask(Ask {
            words: words(own),
            agent: role(own),
            system: text(own, "system"),
            max_tokens: own.get_one("max-tokens").copied(),
            temperature: own.get_one("temperature").copied(),
            seed: own.get_one("seed").copied(),
        }),
        "project" => Command::Project(Project {
            words: words(own),
            out: own.get_one("out").cloned().unwrap_or_default(),
            force: own.get_flag("force"),
            patience_seconds: own.get_one("patience").copied().unwrap_or(600),
        }),
        "models" => Command::Models,
        "nodes" => Command::Nodes,
        "stats" => Command::Stats {
            watch: own.get_flag("watch"),
        },
        "bench" => Command::Bench {
            runs: own.get_one("runs").copied().unwrap_or(5),
        },
        "verify" => Command::Verify,
        "completions" => Command::Completions(own.get_one("shell").copied().unwrap_or(Shell::Bash)),
        _ => Command::Man,
    }
}

/// All of it, also for completions and the man page.
pub(crate) fn command(language: Language) -> Clap {
    let help = language.help();
    let names: Vec<&str> = ROLES.iter().map(|(name, _)| *name).collect();
    let agent = || {
        option("agent", help.role_unit, help.agent)
            .value_parser(PossibleValuesParser::new(names.clone()))
            .hide_possible_values(true)
    };
    let own = |name: &'static str| subcommand(name, &help);
    let shell = Arg::new("shell")
        .value_name("SHELL")
        .help(help.shell)
        .help_heading(help.arguments)
        .value_parser(value_parser!(Shell))
        .hide_possible_values(true)
        .required(true);
    subcommand("kpn", &help)
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(help.after)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand_help_heading(help.commands)
        .args(globals(&help))
        .arg(
            Arg::new("version")
                .long("version")
                .short('V')
                .help(help.version)
                .action(ArgAction::Version),
        )
        .subcommands([
            own("chat").arg(agent()),
            own("ask").args([
                many("words", help.question_unit, help.question, help.arguments),
                agent(),
                option("system", help.text_unit, help.system),
                option("max-tokens", "N", help.max_tokens)
                    .value_parser(value_parser!(u32).range(1..)),
                option("temperature", "T", help.temperature).value_parser(value_parser!(f64)),
                option("seed", "N", help.seed)
                    .value_parser(value_parser!(i64))
                    .allow_hyphen_values(true),
            ]),
            own("project").args([
                many("words", help.idea_unit, help.idea, help.arguments),
                option("out", help.folder_unit, help.out)
                    .value_parser(value_parser!(PathBuf))
                    .required(true),
                flag("force", help.force),
                option("patience", "S", help.patience).value_parser(value_parser!(u64)),
            ]),
            own("models"),
            own("nodes"),
            own("stats").arg(flag("watch", help.watch)),
            own("bench").arg(
                option("runs", "N", help.runs).value_parser(value_parser!(u32).range(1..=1000)),
            ),
            own("verify"),
            own("completions").arg(shell),
            own("man"),
        ])
}

fn subcommand(name: &'static str, help: &Help) -> Clap {
    let usage = help.usage_of(name);
    Clap::new(name)
        .about(help.about(name))
        .override_usage(usage.clone())
        .help_template(format!(
            "{{about}}\n\n{}: {usage}\n\n{{all-args}}{{after-help}}\n",
            help.usage
        ))
        .next_help_heading(help.options)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(
            Arg::new("help")
                .long("help")
                .short('h')
                .help(help.help)
                .action(ArgAction::Help),
        )
}

fn globals(help: &Help) -> [Arg; 6] {
    let global = |arg: Arg| arg.global(true).help_heading(help.everywhere);
    [
        global(option("hub", "URL", help.hub)),
        global(option("key", help.key_unit, help.key)),
        global(option("model", "ID", help.model)),
        global(flag("json", help.json)),
        global(option("lang", "fi|en", help.lang))
            .value_parser(["fi", "en"])
            .hide_possible_values(true),
        global(option("timeout", "S", help.timeout))
            .value_parser(value_parser!(u64).range(1..=86_400)),
    ]
}

fn flag(name: &'static str, about: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .help(about)
        .action(ArgAction::SetTrue)
}

fn option(name: &'static str, unit: &'static str, about: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(unit).help(about)
}

fn many(name: &'static str, unit: &'static str, about: &'static str, heading: &'static str) -> Arg {
    Arg::new(name)
        .value_name(unit)
        .help(about)
        .help_heading(heading)
        .num_args(0..)
}

fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.get_one::<String>(name).cloned()
}

fn words(matches: &ArgMatches) -> Vec<String> {
    let words = matches.get_many::<String>("words");
    words
        .map(|words| words.cloned().collect())
        .unwrap_or_default()
}

fn role(matches: &ArgMatches) -> Option<Role> {
    let name = matches.get_one::<String>("agent")?;
    ROLES
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, role)| *role)
}

fn wrong_part(error: &clap::Error) -> Option<String> {
    use clap::error::ContextKind::{InvalidArg, InvalidSubcommand};
    let part = error
        .get(InvalidArg)
        .or_else(|| error.get(InvalidSubcommand))?;
    Some(part.to_string())
}

#[cfg(test)]
mod tests;
