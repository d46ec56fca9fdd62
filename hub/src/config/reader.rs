//! One setting after the other, each with what is wrong with it.

use std::{
    ffi::OsString,
    fmt::Display,
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use ipnet::IpNet;
use url::Origin;

use super::{Config, Drain, Secret};
use crate::{
    access::{AccessPolicy, AccessSettings},
    dispatch::HedgeSettings,
    keys::Limits,
    language::Text,
    net::parse_web_origin,
};

/// As long as a guess would take for ever.
const METRICS_TOKEN_BYTES: usize = 16;

/// Reads one setting after the other, and notes what is wrong instead of stopping at it.
pub(super) struct Reader<Lookup> {
    pub(super) lookup: Lookup,
    pub(super) problems: Vec<Text>,
}

impl<Lookup: Fn(&str) -> Option<OsString>> Reader<Lookup> {
    pub(super) fn raw(&self, name: &str) -> Option<OsString> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
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

    pub(super) fn number<N>(&mut self, name: &str, default: N, allowed: RangeInclusive<N>) -> N
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

    pub(super) fn seconds(&mut self, name: &str, default: Duration) -> Duration {
        Duration::from_secs(self.number(name, default.as_secs(), 1..=86_400))
    }

    pub(super) fn hedge(&mut self, default: Option<HedgeSettings>) -> Option<HedgeSettings> {
        let default = default?;
        let seconds = self.number("HEDGE_AFTER_SECONDS", default.least.as_secs(), 0..=86_400);
        let least = Duration::from_secs(seconds);
        (!least.is_zero()).then_some(HedgeSettings { least, ..default })
    }

    /// It keeps strangers out of what a scraper reads every few seconds: a short one can be guessed.
    pub(super) fn metrics_token(&mut self) -> Option<Secret> {
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
    pub(super) fn check_together(&mut self, config: &Config) {
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
    pub(super) fn retention(&mut self) -> Option<Duration> {
        let days = self.number("RETENTION_DAYS", 90, 0..=36_500_u32);
        (days > 0).then(|| Duration::from_secs(u64::from(days) * 86_400))
    }

    pub(super) fn bind(&mut self) -> IpAddr {
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

    pub(super) fn drain(&mut self) -> Drain {
        match self.text("DRAIN").as_deref() {
            None => Drain::default(),
            Some("refuse") => Drain::Refuse,
            Some("finish") => Drain::Finish,
            Some(other) => {
                self.problem(
                    format!(
                        "DRAIN={other}: anna refuse (sammuva keskus torjuu uudet) tai finish (edessä oleva välityspalvelin odottaa seuraavaa keskusta)"
                    ),
                    format!(
                        "DRAIN={other}: give refuse (a stopping hub refuses what comes) or finish (a proxy in front waits for the next hub)"
                    ),
                );
                Drain::default()
            }
        }
    }

    pub(super) fn access(&mut self) -> AccessSettings {
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
    pub(super) fn limit(&mut self, name: &str, default: Option<u32>) -> Option<u32> {
        let limit = self.number(name, default.unwrap_or_default(), 0..=u32::MAX);
        (limit > 0).then_some(limit)
    }

    pub(super) fn database_path(&mut self) -> PathBuf {
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
    pub(super) fn data_directory(&self) -> Option<PathBuf> {
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

    pub(super) fn models_directory(&mut self) -> PathBuf {
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

    pub(super) fn downloads_directory(&self) -> Option<PathBuf> {
        let given = self.raw("DOWNLOADS_DIR").map(PathBuf::from);
        given.or_else(|| Some(self.data_directory()?.join("kipina").join("downloads")))
    }

    pub(super) fn no_home(&mut self, name: &str) {
        self.problem(
            format!("{name}: kotihakemistoa ei löydy; anna {name} itse"),
            format!("{name}: there is no home directory; set {name} yourself"),
        );
    }

    pub(super) fn static_directory(&mut self) -> Option<PathBuf> {
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

    pub(super) fn allowed_origins(&mut self) -> Vec<Origin> {
        self.list("ALLOWED_ORIGINS", |text| Some(parse_web_origin(text)?.origin()), |entry| {
            Text::new(
                format!("ALLOWED_ORIGINS: ”{entry}” ei ole sivuston osoite; anna ne pilkuin erotettuina muodossa https://nimi tai https://nimi:portti"),
                format!("ALLOWED_ORIGINS: '{entry}' is no origin; give them separated by commas, as in https://name or https://name:port"),
            )
        })
        .unwrap_or_default()
    }

    pub(super) fn trusted_proxies(&mut self) -> Vec<IpNet> {
        self.list("TRUSTED_PROXIES", parse_network, |entry| {
            Text::new(
                format!("TRUSTED_PROXIES: ”{entry}” ei ole verkko; anna ne pilkuin erotettuina, esim. 127.0.0.0/8, ::1"),
                format!("TRUSTED_PROXIES: '{entry}' is no network; give them separated by commas, as in 127.0.0.0/8, ::1"),
            )
        })
        .unwrap_or_else(|| ["127.0.0.0/8", "::1/128"].into_iter().filter_map(parse_network).collect())
    }

    /// The entries of a comma-separated list; None where it is not set.
    pub(super) fn list<T>(
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

    pub(super) fn problem(&mut self, finnish: String, english: String) {
        self.problems.push(Text::new(finnish, english));
    }
}

/// A network, or a single address.
fn parse_network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
