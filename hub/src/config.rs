//! The hub's settings: the one file that reads the environment.

mod logging;
mod spelling;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    ffi::OsString,
    fmt::{self, Display},
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use ipnet::IpNet;
use url::Origin;

use crate::{
    access::{AccessPolicy, AccessSettings},
    dispatch::{DispatchSettings, HedgeSettings},
    keys::Limits,
    language::{Language, Text},
    logging::LogSettings,
    net::parse_web_origin,
    nodes::NodeSettings,
    serve::HttpLimits,
};

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

/// As long as a guess would take for ever.
const METRICS_TOKEN_BYTES: usize = 16;

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

/// Reads one setting after the other, and notes what is wrong instead of stopping at it.
struct Reader<Lookup> {
    lookup: Lookup,
    problems: Vec<Text>,
}

impl<Lookup: Fn(&str) -> Option<OsString>> Reader<Lookup> {
    fn raw(&self, name: &str) -> Option<OsString> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.raw(name)?.into_string() {
            Ok(text) => Some(text),
            Err(_) => {
                self.problem(
                    format!("{name}: arvo ei ole UTF-8-tekstiä; kirjoita se uudelleen"),
                    format!("{name}: the value is not UTF-8 text; write it anew"),
                );
                None
            }
        }
    }

    fn number<N>(&mut self, name: &str, default: N, allowed: RangeInclusive<N>) -> N
    where
        N: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.text(name) else {
            return default;
        };
        match text.trim().parse() {
            Ok(number) if allowed.contains(&number) => number,
            _ => {
                let (least, most) = (allowed.start(), allowed.end());
                self.problem(
                    format!("{name}={text}: anna kokonaisluku väliltä {least}–{most}"),
                    format!("{name}={text}: give a whole number from {least} to {most}"),
                );
                default
            }
        }
    }

    fn seconds(&mut self, name: &str, default: Duration) -> Duration {
        Duration::from_secs(self.number(name, default.as_secs(), 1..=86_400))
    }

    fn hedge(&mut self, default: Option<HedgeSettings>) -> Option<HedgeSettings> {
        let default = default?;
        let seconds = self.number("HEDGE_AFTER_SECONDS", default.least.as_secs(), 0..=86_400);
        let least = Duration::from_secs(seconds);
        (!least.is_zero()).then_some(HedgeSettings { least, ..default })
    }

    /// It keeps strangers out of what a scraper reads every few seconds: a short one can be guessed.
    fn metrics_token(&mut self) -> Option<Secret> {
        let token = self.text("METRICS_TOKEN")?;
        if token.len() < METRICS_TOKEN_BYTES {
            self.problem(
                format!("METRICS_TOKEN: anna vähintään {METRICS_TOKEN_BYTES} merkkiä, esim. komennon openssl rand -hex 32 tulos"),
                format!("METRICS_TOKEN: give at least {METRICS_TOKEN_BYTES} characters, as from openssl rand -hex 32"),
            );
        }
        Some(Secret(token))
    }

    /// What only shows where settings are seen together.
    fn check_together(&mut self, config: &Config) {
        let (browsers, connections) = (
            config.nodes.browsers_per_address,
            config.connections_per_address,
        );
        if self.raw("BROWSERS_PER_ADDRESS").is_some() && browsers > connections {
            self.problem(
                format!("BROWSERS_PER_ADDRESS={browsers}: yhteyksiä saa olla vain {connections}; suurenna CONNECTIONS_PER_ADDRESS-arvoa tai pienennä tätä"),
                format!("BROWSERS_PER_ADDRESS={browsers}: there may be {connections} connections only; raise CONNECTIONS_PER_ADDRESS or lower this"),
            );
        }
    }

    /// 0 days: for ever.
    fn retention(&mut self) -> Option<Duration> {
        let days = self.number("RETENTION_DAYS", 90, 0..=36_500_u32);
        (days > 0).then(|| Duration::from_secs(u64::from(days) * 86_400))
    }

    fn bind(&mut self) -> IpAddr {
        let default = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let Some(text) = self.text("BIND") else {
            return default;
        };
        if text == "localhost" {
            return default;
        }
        text.parse().unwrap_or_else(|_| {
            self.problem(
                format!("BIND={text}: anna IP-osoite, esim. 127.0.0.1 (vain tämä kone) tai 0.0.0.0 (koko verkko)"),
                format!("BIND={text}: give an IP address, as in 127.0.0.1 (this machine only) or 0.0.0.0 (the network)"),
            );
            default
        })
    }

    fn access(&mut self) -> AccessSettings {
        let default = AccessSettings::default();
        let policy = match self.text("ACCESS").as_deref() {
            None => default.policy,
            Some("open") => AccessPolicy::Open,
            Some("keys") => AccessPolicy::Keys,
            Some(other) => {
                self.problem(
                    format!(
                        "ACCESS={other}: anna open (kaikki saavat kysyä) tai keys (vain avaimella)"
                    ),
                    format!(
                        "ACCESS={other}: give open (anybody may ask) or keys (with a key only)"
                    ),
                );
                default.policy
            }
        };
        let Limits {
            requests_per_minute,
            tokens_per_minute,
            ..
        } = default.anonymous;
        AccessSettings {
            policy,
            anonymous: Limits {
                requests_per_minute: self
                    .limit("ANONYMOUS_REQUESTS_PER_MINUTE", requests_per_minute),
                tokens_per_minute: self.limit("ANONYMOUS_TOKENS_PER_MINUTE", tokens_per_minute),
                requests_per_day: self
                    .limit("ANONYMOUS_REQUESTS_PER_DAY", None)
                    .map(u64::from),
                tokens_per_day: self.limit("ANONYMOUS_TOKENS_PER_DAY", None).map(u64::from),
            },
        }
    }

    /// 0 is no limit.
    fn limit(&mut self, name: &str, default: Option<u32>) -> Option<u32> {
        let limit = self.number(name, default.unwrap_or_default(), 0..=u32::MAX);
        (limit > 0).then_some(limit)
    }

    fn database_path(&mut self) -> PathBuf {
        if let Some(path) = self.raw("DATABASE_PATH") {
            return path.into();
        }
        let Some(directory) = self.data_directory() else {
            self.no_home("DATABASE_PATH");
            return PathBuf::new();
        };
        directory.join("kipina").join("kipina.sqlite")
    }

    /// Where the platform wants programs to keep what must outlive them.
    fn data_directory(&self) -> Option<PathBuf> {
        let home = || self.raw("HOME").map(PathBuf::from);
        if cfg!(windows) {
            self.raw("LOCALAPPDATA").map(PathBuf::from)
        } else if cfg!(target_os = "macos") {
            home().map(|home| home.join("Library/Application Support"))
        } else {
            let data_home = self.raw("XDG_DATA_HOME").map(PathBuf::from);
            data_home.or_else(|| home().map(|home| home.join(".local/share")))
        }
    }

    fn models_directory(&mut self) -> PathBuf {
        if let Some(path) = self.raw("MODELS_DIR") {
            return path.into();
        }
        let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        let Some(home) = self.raw(home) else {
            self.no_home("MODELS_DIR");
            return PathBuf::new();
        };
        PathBuf::from(home).join(".cache/kipina/models")
    }

    fn downloads_directory(&self) -> Option<PathBuf> {
        let given = self.raw("DOWNLOADS_DIR").map(PathBuf::from);
        given.or_else(|| Some(self.data_directory()?.join("kipina").join("downloads")))
    }

    fn no_home(&mut self, name: &str) {
        self.problem(
            format!("{name}: kotihakemistoa ei löydy; anna {name} itse"),
            format!("{name}: there is no home directory; set {name} yourself"),
        );
    }

    fn static_directory(&mut self) -> Option<PathBuf> {
        let path = PathBuf::from(self.raw("STATIC_DIR")?);
        if !path.is_dir() {
            let shown = path.display();
            self.problem(
                format!("STATIC_DIR={shown}: hakemistoa ei ole; rakenna sivusto tai jätä asetus pois"),
                format!("STATIC_DIR={shown}: there is no such directory; build the site or leave the setting out"),
            );
        }
        Some(path)
    }

    fn allowed_origins(&mut self) -> Vec<Origin> {
        self.list("ALLOWED_ORIGINS", |text| Some(parse_web_origin(text)?.origin()), |entry| {
            Text::new(
                format!("ALLOWED_ORIGINS: ”{entry}” ei ole sivuston osoite; anna ne pilkuin erotettuina muodossa https://nimi tai https://nimi:portti"),
                format!("ALLOWED_ORIGINS: '{entry}' is no origin; give them separated by commas, as in https://name or https://name:port"),
            )
        })
        .unwrap_or_default()
    }

    fn trusted_proxies(&mut self) -> Vec<IpNet> {
        self.list("TRUSTED_PROXIES", parse_network, |entry| {
            Text::new(
                format!("TRUSTED_PROXIES: ”{entry}” ei ole verkko; anna ne pilkuin erotettuina, esim. 127.0.0.0/8, ::1"),
                format!("TRUSTED_PROXIES: '{entry}' is no network; give them separated by commas, as in 127.0.0.0/8, ::1"),
            )
        })
        .unwrap_or_else(|| ["127.0.0.0/8", "::1/128"].into_iter().filter_map(parse_network).collect())
    }

    /// The entries of a comma-separated list; None where it is not set.
    fn list<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        problem: impl Fn(&str) -> Text,
    ) -> Option<Vec<T>> {
        let text = self.text(name)?;
        let mut entries = Vec::new();
        for entry in text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
        {
            match parse(entry) {
                Some(parsed) => entries.push(parsed),
                None => self.problems.push(problem(entry)),
            }
        }
        Some(entries)
    }

    fn problem(&mut self, finnish: String, english: String) {
        self.problems.push(Text::new(finnish, english));
    }
}

/// A network, or a single address.
fn parse_network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests;
