//! What the person asked for: flags, environment and config file together, checked.

use super::{ConfigError, ConfigFile, Environment, HubUrl, Secret};

const DEFAULT_HUB: &str = "https://kipina.studio";

/// Where questions go, and with what.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hub: HubUrl,
    pub(crate) key: Option<Secret>,
    /// A key that is not sent, where there is no other.
    pub(crate) kept_key: Option<KeptKey>,
    /// An id or a family; None: whichever the hub names first.
    pub(crate) model: Option<String>,
}

/// A key of another hub's, which this one must not learn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptKey {
    pub(crate) from: KeySource,
    /// Whose it is; None where that hub's address is none.
    pub(crate) hub: Option<HubUrl>,
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
        let from_file = HubUrl::parse(file.url.as_deref().unwrap_or(DEFAULT_HUB));
        let usual = match &environment.url {
            Some(url) => HubUrl::parse(url),
            None => from_file.clone(),
        };
        let hub = match &given.hub {
            Some(url) => HubUrl::parse(url)?,
            None => usual.clone()?,
        };
        // A key is for the hub that is named beside it, or else for the usual one. What is given with the question is
        // for whoever is asked.
        let file_s = if file.url.is_some() {
            from_file
        } else {
            usual.clone()
        };
        let keys = [
            (KeySource::Flag, given.key, Ok(hub.clone())),
            (KeySource::Environment, environment.key.clone(), usual),
            (KeySource::File, file.key, file_s),
        ];
        let (key, kept_key) = key_for(&hub, keys)?;
        let filled = |text: &String| !text.is_empty();
        Ok(Self {
            hub,
            key,
            kept_key,
            model: given.model.or(file.model).filter(filled),
        })
    }
}

/// The first key that is this hub's; an empty one stands for none.
fn key_for(
    hub: &HubUrl,
    keys: [(KeySource, Option<Secret>, Result<HubUrl, ConfigError>); 3],
) -> Result<(Option<Secret>, Option<KeptKey>), ConfigError> {
    let mut kept = None;
    for (from, key, whose) in keys {
        let Some(key) = key else { continue };
        if whose.as_ref() == Ok(hub) {
            return match key {
                key if !key.is_sound() => Err(ConfigError::Key { from }),
                key if key.is_empty() => Ok((None, None)),
                key => Ok((Some(key), None)),
            };
        }
        if !key.is_empty() {
            kept.get_or_insert(KeptKey {
                from,
                hub: whose.ok(),
            });
        }
    }
    Ok((None, kept))
}

/// Where a key was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    Flag,
    Environment,
    File,
}

impl KeySource {
    /// As the person wrote it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flag => "--key",
            Self::Environment => "KIPINA_KEY",
            Self::File => "kpn.toml",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_before_the_environment_and_that_before_the_file() {
        let file = ConfigFile {
            url: Some("http://file".into()),
            key: Some(Secret::new("file")),
            model: Some("file".into()),
            language: None,
        };
        let environment = Environment {
            url: Some("http://environment".into()),
            key: Some(Secret::new("environment")),
            ..Environment::default()
        };
        let flags = Given {
            hub: Some("http://flag".into()),
            key: Some(Secret::new("flag")),
            model: Some("flag".into()),
        };
        let told = |given, environment: &Environment, file| {
            let settings = Settings::new(given, environment, file).unwrap();
            let key = settings
                .key
                .map_or(String::new(), |key| key.reveal().to_owned());
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

    /// What is sent to a hub, or else whose key is not.
    fn sent(
        hub: Option<&str>,
        environment: (Option<&str>, Option<&str>),
        file: (Option<&str>, Option<&str>),
    ) -> Result<String, Option<KeptKey>> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let given = Given {
            hub: text(hub),
            ..Given::default()
        };
        let environment = Environment {
            url: text(environment.0),
            key: environment.1.map(Secret::new),
            ..Environment::default()
        };
        let file = ConfigFile {
            url: text(file.0),
            key: file.1.map(Secret::new),
            ..ConfigFile::default()
        };
        let settings = Settings::new(given, &environment, file).unwrap();
        let kept = settings.kept_key;
        settings.key.map(|key| key.reveal().to_owned()).ok_or(kept)
    }

    #[test]
    fn a_key_is_for_its_own_hub_only() {
        let (a, b) = (Some("http://a/"), Some("http://b"));
        let (key, other, none) = (Some("key"), Some("other"), (None, None));
        let is = |key: &str| Ok(key.to_owned());
        let kept = |from, hub: &str| {
            let hub = Some(HubUrl::parse(hub).unwrap());
            Err(Some(KeptKey { from, hub }))
        };
        use KeySource::{Environment, File};
        assert_eq!(sent(None, (a, key), none), is("key"));
        assert_eq!(sent(a, (a, key), none), is("key"));
        assert_eq!(sent(b, (a, key), none), kept(Environment, "http://a"));
        assert_eq!(sent(b, (None, key), none), kept(Environment, DEFAULT_HUB));
        assert_eq!(sent(Some(DEFAULT_HUB), (None, key), none), is("key"));
        // Both know of the other's hub.
        assert_eq!(sent(None, (None, key), (a, None)), is("key"));
        assert_eq!(sent(None, (a, None), (None, key)), is("key"));
        assert_eq!(
            sent(b, (None, key), (a, None)),
            kept(Environment, "http://a")
        );
        assert_eq!(sent(b, (a, None), (None, key)), kept(File, "http://a"));
        assert_eq!(sent(None, (b, None), (a, key)), kept(File, "http://a"));
        // Another hub's key does not keep this one's from being sent.
        assert_eq!(sent(b, (a, other), (b, key)), is("key"));
        assert_eq!(sent(b, (Some("nowhere"), None), none), Err(None));
        assert_eq!(sent(b, (a, Some(" \n")), none), Err(None));
        let unclear = Err(Some(KeptKey {
            from: Environment,
            hub: None,
        }));
        assert_eq!(sent(b, (Some("nowhere"), key), none), unclear);
    }

    #[test]
    fn a_key_given_with_the_question_goes_before_all_others() {
        for (given, sent) in [("flag", Some("flag")), ("", None)] {
            let given = Given {
                hub: Some("http://b".into()),
                key: Some(Secret::new(given)),
                model: None,
            };
            let environment = Environment {
                url: Some("http://b".into()),
                key: Some(Secret::new("environment")),
                ..Environment::default()
            };
            let settings = Settings::new(given, &environment, ConfigFile::default()).unwrap();
            assert_eq!(settings.key, sent.map(Secret::new));
            assert_eq!(settings.kept_key, None);
        }
    }

    #[test]
    fn a_key_that_no_request_can_carry_is_refused_by_its_place() {
        let environment = Environment {
            key: Some(Secret::new("two words")),
            ..Environment::default()
        };
        let refused = Settings::new(Given::default(), &environment, ConfigFile::default());
        let from = KeySource::Environment;
        assert_eq!(refused.unwrap_err(), ConfigError::Key { from });
    }
}
