//! What the person asked for: flags, environment and the config file, checked. The only file that reads the
//! environment.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use url::Url;

use crate::language::Language;

const DEFAULT_HUB: &str = "https://kipina.studio";

/// The environment's variables that matter here, as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    pub(crate) url: Option<String>,
    pub(crate) key: Option<Secret>,
    /// Where config files are.
    pub(crate) config_home: Option<PathBuf>,
    /// Where a program keeps what it remembers.
    pub(crate) state_home: Option<PathBuf>,
    /// As in `fi_FI.UTF-8`.
    pub(crate) locale: Option<String>,
    pub(crate) may_colour: bool,
}

impl Environment {
    pub(crate) fn read() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one file that may")]
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = variable("HOME").or_else(|| variable("USERPROFILE"));
        let folder = |name: &str, otherwise: &str| {
            // XDG's rule: what is relative is to be ignored.
            let given = variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute());
            given.or_else(|| Some(Path::new(home.as_ref()?).join(otherwise)))
        };
        let is_dumb = variable("TERM").as_deref() == Some("dumb");
        Self {
            url: variable("KIPINA_URL"),
            key: variable("KIPINA_KEY").map(Secret),
            config_home: folder("XDG_CONFIG_HOME", ".config"),
            state_home: folder("XDG_STATE_HOME", ".local/state"),
            locale: ["LC_ALL", "LC_MESSAGES", "LANG"]
                .into_iter()
                .find_map(variable),
            may_colour: variable("NO_COLOR").is_none() && !is_dumb,
        }
    }

    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        Some(self.config_home.as_ref()?.join("kipina").join("kpn.toml"))
    }
}

/// A key, which must not end up in what is printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Secret(pub(crate) String);

impl Secret {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// `kpn.toml`. A name that isn't known is a slip of the pen, and told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ConfigFile {
    pub(crate) url: Option<String>,
    pub(crate) key: Option<Secret>,
    pub(crate) model: Option<String>,
    pub(crate) language: Option<LanguageName>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LanguageName {
    Fi,
    En,
}

impl From<LanguageName> for Language {
    fn from(name: LanguageName) -> Self {
        match name {
            LanguageName::Fi => Self::Finnish,
            LanguageName::En => Self::English,
        }
    }
}

impl ConfigFile {
    /// Nothing in it where there is none.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let broken = |reason: String| ConfigError::File {
            path: path.to_owned(),
            reason,
        };
        match std::fs::read_to_string(path) {
            // The library's words end in an empty line, and show the line that is wrong: it could be the key's.
            Ok(text) => toml::from_str(&text).map_err(|error| {
                let line = error
                    .span()
                    .map(|span| 1 + text[..span.start].matches('\n').count());
                let place = line.map_or(String::new(), |line| format!("{line}: "));
                broken(format!("{place}{}", error.message().trim()))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(broken(error.to_string())),
        }
    }
}

/// One thing that is wrong with what was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{path}: {reason}")]
    File { path: PathBuf, reason: String },
    #[error("{value}: no address")]
    Url { value: String },
}

/// A hub's address, which routes are appended to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HubUrl(String);

impl HubUrl {
    /// The address of the site, or the one that nodes are given.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let text = text.trim();
        let wrong = || ConfigError::Url {
            value: text.to_owned(),
        };
        let as_http = match text.split_once("://") {
            Some(("ws", rest)) => format!("http://{}", rest.trim_end_matches("/ws")),
            Some(("wss", rest)) => format!("https://{}", rest.trim_end_matches("/ws")),
            _ => text.to_owned(),
        };
        let url = Url::parse(&as_http).map_err(|_| wrong())?;
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        let has_more = url.query().is_some() || url.fragment().is_some();
        // A password in an address would be printed with it.
        let has_name = !url.username().is_empty() || url.password().is_some();
        if !is_http || has_more || has_name {
            return Err(wrong());
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// `route` begins with a slash.
    pub(crate) fn join(&self, route: &str) -> String {
        [&self.0, route].concat()
    }
}

impl fmt::Display for HubUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where questions go, and with what.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hub: HubUrl,
    pub(crate) key: Option<Secret>,
    /// An id or a family; None: whichever the hub names first.
    pub(crate) model: Option<String>,
}

/// The flags that say the same as environment and config file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    pub(crate) hub: Option<String>,
    pub(crate) key: Option<Secret>,
    pub(crate) model: Option<String>,
}

impl Settings {
    /// A flag goes before the environment, and that before the file.
    pub(crate) fn new(
        given: Given,
        environment: &Environment,
        file: ConfigFile,
    ) -> Result<Self, ConfigError> {
        let from_file = file.url.as_deref().map(HubUrl::parse).transpose();
        let wished = given.hub.or_else(|| environment.url.clone());
        let hub = match &wished {
            Some(wished) => HubUrl::parse(wished)?,
            None => match from_file.clone()? {
                Some(hub) => hub,
                None => HubUrl::parse(DEFAULT_HUB)?,
            },
        };
        // The file's key is for the file's hub: another one must not learn it.
        let is_file_s = file.url.is_none() || from_file.ok().flatten().as_ref() == Some(&hub);
        let file_key = file.key.filter(|_| is_file_s);
        let filled = |text: &String| !text.is_empty();
        Ok(Self {
            hub,
            key: given
                .key
                .or_else(|| environment.key.clone())
                .or(file_key)
                .filter(|key| !key.0.is_empty()),
            model: given.model.or(file.model).filter(filled),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_as_people_write_it() {
        for (text, url) in [
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            (" https://kipina.studio/ ", "https://kipina.studio"),
            ("wss://kipina.studio/ws", "https://kipina.studio"),
            ("ws://[::1]:3000/ws", "http://[::1]:3000"),
            ("https://example.org/kipina/", "https://example.org/kipina"),
        ] {
            assert_eq!(HubUrl::parse(text).unwrap().to_string(), url);
        }
        for bad in [
            "kipina.studio",
            "",
            "file:///etc",
            "http://",
            "http://a?b",
            "http://u:p@a",
            "localhost:3000",
        ] {
            assert!(HubUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn flags_go_before_the_environment_and_that_before_the_file() {
        let file = ConfigFile {
            url: Some("http://file".into()),
            key: Some(Secret("file".into())),
            model: Some("file".into()),
            language: None,
        };
        let environment = Environment {
            url: Some("http://environment".into()),
            key: Some(Secret("environment".into())),
            ..Environment::default()
        };
        let flags = Given {
            hub: Some("http://flag".into()),
            key: Some(Secret("flag".into())),
            model: Some("flag".into()),
        };
        let told = |given, environment: &Environment, file| {
            let settings = Settings::new(given, environment, file).unwrap();
            let key = settings.key.map(|key| key.0).unwrap_or_default();
            (
                settings.hub.to_string(),
                key,
                settings.model.unwrap_or_default(),
            )
        };
        let all = |name: &str| (format!("http://{name}"), name.to_owned(), name.to_owned());
        assert_eq!(told(flags, &environment, file.clone()), all("flag"));
        let (url, key, model) = told(Given::default(), &environment, file.clone());
        assert_eq!(
            [url.as_str(), &key, &model],
            ["http://environment", "environment", "file"]
        );
        let nothing = Environment::default();
        assert_eq!(told(Given::default(), &nothing, file), all("file"));
        let (url, ..) = told(Given::default(), &nothing, ConfigFile::default());
        assert_eq!(url, DEFAULT_HUB);
    }

    #[test]
    fn the_file_s_key_is_for_the_file_s_hub_only() {
        let file = ConfigFile {
            url: Some("http://mine/".into()),
            key: Some(Secret("sekret".into())),
            ..ConfigFile::default()
        };
        let key_for = |hub: &str, file: &ConfigFile| {
            let given = Given {
                hub: Some(hub.into()),
                ..Given::default()
            };
            let settings = Settings::new(given, &Environment::default(), file.clone());
            settings.unwrap().key.map(|key| key.0)
        };
        assert_eq!(key_for("http://mine", &file).as_deref(), Some("sekret"));
        assert_eq!(key_for("http://other", &file), None);
        let anywhere = ConfigFile { url: None, ..file };
        assert_eq!(
            key_for("http://other", &anywhere).as_deref(),
            Some("sekret")
        );
    }

    #[test]
    fn a_slip_in_the_file_is_told_with_its_line_and_never_with_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kpn.toml");
        for (text, told) in [
            ("url = \"http://a\"\nmodle = \"m\"\n", "2: "),
            ("key = \"sekret\nurl = 1\n", "1: "),
            ("language = \"sv\"\n", "1: "),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = ConfigFile::read(Some(&path)).unwrap_err().to_string();
            assert!(error.contains(told) && !error.contains("sekret"), "{error}");
        }
        assert!(ConfigFile::read(Some(&folder.path().join("none"))).is_ok());
    }

    #[test]
    fn keys_are_not_printed() {
        let environment = Environment {
            key: Some(Secret("sekret".into())),
            ..Environment::default()
        };
        assert!(!format!("{environment:?}").contains("sekret"));
    }
}
