//! A hub's address, which routes are appended to.

use std::fmt;

use url::Url;

use super::ConfigError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HubUrl(String);

impl HubUrl {
    /// The address of the site, or the one that nodes are given.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let text = text.trim();
        let wrong = || ConfigError::Url {
            value: without_secrets(text),
        };
        let as_http = match text.split_once("://") {
            Some(("ws", rest)) => format!("http://{}", rest.trim_end_matches("/ws")),
            Some(("wss", rest)) => format!("https://{}", rest.trim_end_matches("/ws")),
            _ => text.to_owned(),
        };
        let url = Url::parse(&as_http).map_err(|_| wrong())?;
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        let has_more = url.query().is_some() || url.fragment().is_some();
        // It would be printed wherever the address is.
        let has_password = !url.username().is_empty() || url.password().is_some();
        if has_password {
            return Err(ConfigError::Password {
                value: without_secrets(text),
            });
        }
        if !is_http || has_more {
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

/// What is wrong is printed, but neither a name and a password before the host nor what follows a `?` or `#`.
fn without_secrets(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    // A password may hold anything, written as it should be or not.
    let (hidden, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => ("…@", rest),
        None => ("", rest),
    };
    match rest.find(['?', '#']) {
        Some(at) => format!("{scheme}{hidden}{}…", &rest[..=at]),
        None => format!("{scheme}{hidden}{rest}"),
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
            "localhost:3000",
        ] {
            let wrong = HubUrl::parse(bad);
            assert!(matches!(wrong, Err(ConfigError::Url { .. })), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_what_is_secret() {
        for (text, shown) in [
            ("http://user:sekret@a:3000/", "http://…@a:3000/"),
            ("wss://sekret@a/ws", "wss://…@a/ws"),
            ("http://u:se/kr?e#t@sekret@b", "http://…@b"),
            ("u:sekret@a", "…@a"),
            ("http://a/?key=sekret", "http://a/?…"),
            ("http://a/#sekret", "http://a/#…"),
            ("http://a b", "http://a b"),
        ] {
            let value = match HubUrl::parse(text) {
                Err(ConfigError::Url { value } | ConfigError::Password { value }) => value,
                other => panic!("{text}: {other:?}"),
            };
            assert_eq!(value, shown, "{text}");
        }
        let password = HubUrl::parse("http://u:p@a");
        assert!(matches!(password, Err(ConfigError::Password { .. })));
    }
}
