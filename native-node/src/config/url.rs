//! Addresses as people write them, put right.

use std::fmt;

use reqwest::Url;

/// An HTTP address that routes are appended to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// `None` where it is no HTTP address.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        let is_http = matches!(url.scheme(), "http" | "https") && url.host().is_some();
        (is_http && url.query().is_none())
            .then(|| Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// `route` begins with a slash.
    pub fn join(&self, route: &str) -> String {
        [&self.0, route].concat()
    }

    pub fn without_suffix(&self, suffix: &str) -> Self {
        Self(self.0.strip_suffix(suffix).unwrap_or(&self.0).to_owned())
    }
}

/// Without a name and a password that may stand in it.
impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_user(&self.0))
    }
}

/// A hub's WebSocket address: the site's own address will do. `None` where it is neither.
pub(super) fn hub_url(text: &str) -> Option<String> {
    let text = text.trim();
    let text = match text.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}"),
        Some(("https", rest)) => format!("wss://{rest}"),
        _ => text.to_owned(),
    };
    let mut url = Url::parse(&text).ok()?;
    if !matches!(url.scheme(), "ws" | "wss") || url.host().is_none() {
        return None;
    }
    let path = url.path().trim_end_matches('/').to_owned();
    let path = if path.ends_with("/ws") {
        path
    } else {
        format!("{path}/ws")
    };
    url.set_path(&path);
    Some(url.into())
}

/// Where a hub's pages and files are, from its WebSocket address.
pub(super) fn site_of(hub_url: &str) -> Option<BaseUrl> {
    let site = hub_url.strip_suffix("/ws")?;
    // "ws" and "wss" become "http" and "https".
    BaseUrl::parse(&format!("http{}", site.strip_prefix("ws")?))
}

/// An address may carry a name and a password, which are nobody's business.
pub fn without_user(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hubs_address_is_put_right() {
        let cases = [
            ("wss://kipina.studio/ws", "wss://kipina.studio/ws"),
            ("https://kipina.studio", "wss://kipina.studio/ws"),
            ("http://127.0.0.1:3000/", "ws://127.0.0.1:3000/ws"),
            ("ws://[::1]:3000/ws/", "ws://[::1]:3000/ws"),
            (
                " https://example.org/kipina ",
                "wss://example.org/kipina/ws",
            ),
        ];
        for (written, meant) in cases {
            assert_eq!(hub_url(written).as_deref(), Some(meant), "{written}");
        }
        for wrong in [
            "kipina.studio",
            "127.0.0.1:3000",
            "ftp://kipina.studio",
            "",
            "ws://",
        ] {
            assert_eq!(hub_url(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_hubs_files_are_beside_its_socket() {
        for (socket, site) in [
            ("wss://kipina.studio/ws", "https://kipina.studio"),
            ("ws://[::1]:3000/ws", "http://[::1]:3000"),
            ("wss://example.org/kipina/ws", "https://example.org/kipina"),
        ] {
            assert_eq!(site_of(socket).unwrap().to_string(), site);
        }
    }

    #[test]
    fn a_base_address_takes_routes_whatever_slash_it_ends_with() {
        for written in ["http://localhost:11434", "http://localhost:11434/"] {
            let base = BaseUrl::parse(written).unwrap();
            assert_eq!(base.join("/api/tags"), "http://localhost:11434/api/tags");
        }
        let base = BaseUrl::parse("http://h/v1").unwrap();
        assert_eq!(base.without_suffix("/v1").join("/props"), "http://h/props");
        for wrong in ["localhost:11434", "ws://localhost", "", "http://h/?a=b"] {
            assert_eq!(BaseUrl::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn addresses_are_shown_without_who_asks() {
        for (given, shown) in [
            ("wss://kipina.studio/ws", "wss://kipina.studio/ws"),
            ("ws://a:b@host:1/ws", "ws://host:1/ws"),
            ("Ollama, http://a@b@host", "Ollama, http://host"),
            ("http://host/path@x", "http://host/path@x"),
            ("kipina-engine", "kipina-engine"),
        ] {
            assert_eq!(without_user(given), shown);
        }
        let base = BaseUrl::parse("http://aino:secret@hub.example/v1").unwrap();
        assert_eq!(base.to_string(), "http://hub.example/v1");
        assert_eq!(base.join("/x"), "http://aino:secret@hub.example/v1/x");
    }
}
