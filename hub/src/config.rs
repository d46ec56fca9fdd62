//! The hub's settings: the one file that reads the environment.

mod logging;
mod reader;
mod spelling;

use std::{
    cell::RefCell, collections::BTreeSet, ffi::OsString, fmt, net::IpAddr, path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use url::Origin;

use crate::{
    access::AccessSettings,
    dispatch::DispatchSettings,
    language::{Language, Text},
    logging::LogSettings,
    nodes::NodeSettings,
    serve::HttpLimits,
};
use reader::Reader;

#[derive(Clone, Debug)]
pub struct Config {
    pub bind: IpAddr,
    /// 0 lets the system choose a free one.
    pub port: u16,
    pub database_path: PathBuf,
    /// How long outcomes of prompts are kept; absent: for ever.
    pub retention: Option<Duration>,
    /// The built frontend; absent: a small built-in page.
    pub static_directory: Option<PathBuf>,
    pub models_directory: PathBuf,
    /// Programs for machines that join; absent, or not there: none are to be had.
    pub downloads_directory: Option<PathBuf>,
    pub log: LogSettings,
    pub admin_password: Option<Secret>,
    pub access: AccessSettings,
    /// Absent: only this machine reads the metrics.
    pub metrics_token: Option<Secret>,
    pub allowed_origins: Vec<Origin>,
    pub trusted_proxies: Vec<IpNet>,
    pub connections_per_address: usize,
    pub max_body_bytes: usize,
    pub http: HttpLimits,
    /// How long a stopping hub waits for the answers that are under way.
    pub drain: Drain,
    pub drain_patience: Duration,
    /// How long a hub that another process took over from waits for its answers.
    pub handover_patience: Duration,
    pub dispatch: DispatchSettings,
    pub nodes: NodeSettings,
}

/// A password or key; what is logged of it is that it exists.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Everything that is wrong with the settings, not just the first thing.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    problems: Vec<Text>,
}

/// A prompt travels to its node in one frame, next to its settings: half of what a node accepts
/// leaves room for the JSON around it.
const LARGEST_BODY_BYTES: usize = protocol::MAX_HUB_FRAME_BYTES / 2;

/// The language of the person who started this process.
pub fn language() -> Language {
    // POSIX's order: the first of these that is set and not empty decides.
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(environment)
        .map(|value| value.to_string_lossy().into_owned())
        .find(|value| !value.is_empty());
    Language::of_locale(locale.as_deref())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one file that reads the environment"
)]
fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// What a hub does with what still comes when it is told to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drain {
    /// Says that it stops, to whoever waits in the queue as well.
    #[default]
    Refuse,
    /// Takes no connection any more, so that a proxy in front of it waits for the hub that follows, and answers its queue.
    Finish,
}

impl Config {
    pub fn from_environment() -> Result<Self, ConfigErrors> {
        Self::read(environment)
    }

    /// What the environment has that looks like a setting and is none.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one file that reads the environment"
    )]
    pub fn suspicious_names() -> Vec<Text> {
        let names: Vec<String> = std::env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .collect();
        spelling::suspicious(names.iter().map(String::as_str), &Self::names())
    }

    /// The name of every setting.
    fn names() -> BTreeSet<String> {
        let names = RefCell::new(BTreeSet::new());
        // Reading asks for each of them; what is missing does not matter here.
        let _ = Self::read(|name| {
            names.borrow_mut().insert(name.to_owned());
            None
        });
        names.into_inner()
    }

    /// Reads each setting through `lookup`; one that is empty counts as not set.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigErrors> {
        let mut read = Reader {
            lookup,
            problems: Vec::new(),
        };
        let dispatch = DispatchSettings::default();
        let nodes = NodeSettings::default();
        let http = HttpLimits::default();
        let config = Self {
            bind: read.bind(),
            port: read.number("PORT", 3000, 0..=65535),
            database_path: read.database_path(),
            retention: read.retention(),
            static_directory: read.static_directory(),
            models_directory: read.models_directory(),
            downloads_directory: read.downloads_directory(),
            log: read.log(),
            admin_password: read.text("ADMIN_PASSWORD").map(Secret),
            access: read.access(),
            metrics_token: read.metrics_token(),
            allowed_origins: read.allowed_origins(),
            trusted_proxies: read.trusted_proxies(),
            connections_per_address: read.number("CONNECTIONS_PER_ADDRESS", 64, 1..=1_000_000),
            max_body_bytes: read.number("MAX_BODY_BYTES", 4 << 20, 1024..=LARGEST_BODY_BYTES),
            http: HttpLimits {
                connections: read.number("MAX_CONNECTIONS", http.connections, 1..=1_000_000),
                connections_per_address: read.number(
                    "HTTP_CONNECTIONS_PER_ADDRESS",
                    http.connections_per_address,
                    1..=1_000_000,
                ),
                ..http
            },
            drain: read.drain(),
            drain_patience: read.seconds("DRAIN_SECONDS", Duration::from_secs(30)),
            handover_patience: read.seconds("HANDOVER_SECONDS", Duration::from_secs(600)),
            dispatch: DispatchSettings {
                queue_length: read.number("QUEUE_LENGTH", dispatch.queue_length, 0..=1_000_000),
                queue_deadline: read.seconds("QUEUE_DEADLINE_SECONDS", dispatch.queue_deadline),
                hedge: read.hedge(dispatch.hedge),
                ..dispatch
            },
            nodes: NodeSettings {
                key: read.text("NODE_API_KEY"),
                browsers_per_address: read.number(
                    "BROWSERS_PER_ADDRESS",
                    nodes.browsers_per_address,
                    0..=1_000_000,
                ),
                first_token_deadline: read
                    .seconds("FIRST_TOKEN_DEADLINE_SECONDS", nodes.first_token_deadline),
                token_deadline: read.seconds("TOKEN_DEADLINE_SECONDS", nodes.token_deadline),
                ..nodes
            },
        };
        read.check_together(&config);
        if read.problems.is_empty() {
            return Ok(config);
        }
        Err(ConfigErrors {
            problems: read.problems,
        })
    }
}

impl Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl ConfigErrors {
    pub fn in_language(&self, language: Language) -> String {
        let lines: Vec<String> = self
            .problems
            .iter()
            .map(|problem| problem.in_language(language))
            .collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests;
