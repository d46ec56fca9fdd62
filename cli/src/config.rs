//! What the person's machine is set to: environment and config file. The only file that reads the environment.

mod address;
mod secret;
mod settings;

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

pub(crate) use self::{
    address::HubUrl,
    secret::Secret,
    settings::{Given, KeptKey, KeySource, Settings},
};
use crate::language::Language;

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
            key: variable("KIPINA_KEY").map(|key| Secret::new(&key)),
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
    #[error("{value}: an address with a password in it")]
    Password { value: String },
    /// No request can carry it.
    #[error("{}: no key", from.name())]
    Key { from: KeySource },
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
