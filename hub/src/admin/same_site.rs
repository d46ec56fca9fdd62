//! Whether a request comes from the hub's own pages, or from no page at all.
//!
//! A cookie, and a place at the hub's own machine, are with every request that a browser sends, whoever's
//! page made it. `SameSite=Strict` keeps the cookie from other sites; ports of one host are one site,
//! so every request that changes something is looked at as well.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, Method, Uri, header};
use url::Url;

use crate::net::{TrustedProxies, parse_web_origin};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What the checks read of a request.
pub(super) struct Visit<'a> {
    pub(super) peer: IpAddr,
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    pub(super) uri: &'a Uri,
}

impl Visit<'_> {
    /// The hub's address as the visitor wrote it.
    fn own(&self, proxies: &TrustedProxies) -> Option<Url> {
        let address = proxies.public_address(self.peer, self.headers, self.uri)?;
        parse_web_origin(&address)
    }

    pub(super) fn is_secure(&self, proxies: &TrustedProxies) -> bool {
        self.own(proxies).is_some_and(|own| own.scheme() == "https")
    }

    /// True where no other site's page can have sent it. Programs send neither header.
    pub(super) fn is_from_own_page(&self, proxies: &TrustedProxies) -> bool {
        if self.method.is_safe() {
            // Its answer is readable for own pages alone, and it changes nothing.
            return true;
        }
        let site = self.headers.get(FETCH_SITE);
        if site.is_some_and(|site| site != "same-origin") {
            return false;
        }
        let Some(origin) = self.headers.get(header::ORIGIN) else {
            return true;
        };
        let origin = origin.to_str().ok().and_then(parse_web_origin);
        let (Some(origin), Some(own)) = (origin, self.own(proxies)) else {
            return false;
        };
        // A proxy that ends TLS may leave no trace of it, so the scheme is the page's own.
        let own = own.as_str().split_once("://").map(|(_, rest)| rest);
        let own = own.and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
        own.is_some_and(|own| own.origin() == origin.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(method: &Method, headers: &[(&str, &str)], check: impl Fn(&Visit<'_>) -> T) -> T {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, value.parse().unwrap());
        }
        check(&Visit {
            peer: [127, 0, 0, 1].into(),
            method,
            headers: &map,
            uri: &Uri::from_static("/api/admin/keys"),
        })
    }

    fn proxies() -> TrustedProxies {
        TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()])
    }

    #[test]
    fn changes_come_from_own_pages_or_from_programs() {
        let allowed = |headers: &[(&str, &str)]| {
            with(&Method::POST, headers, |visit| {
                visit.is_from_own_page(&proxies())
            })
        };
        let host = ("host", "hub.example");
        for headers in [
            &[host][..],
            &[host, ("origin", "https://hub.example")],
            &[host, ("origin", "http://hub.example")],
            &[
                host,
                ("origin", "https://hub.example"),
                ("sec-fetch-site", "same-origin"),
            ],
            &[
                ("host", "127.0.0.1:3000"),
                ("origin", "http://127.0.0.1:3000"),
            ],
            &[
                ("host", "inner:3000"),
                ("x-forwarded-host", "hub.example"),
                ("origin", "https://hub.example"),
            ],
        ] {
            assert!(allowed(headers), "{headers:?}");
        }
        for headers in [
            &[host, ("origin", "https://evil.example")][..],
            &[host, ("origin", "null")],
            &[host, ("origin", "https://hub.example:8443")],
            &[
                host,
                ("origin", "https://hub.example"),
                ("sec-fetch-site", "cross-site"),
            ],
            &[host, ("sec-fetch-site", "same-site")],
            &[host, ("sec-fetch-site", "none")],
            &[
                ("host", "127.0.0.1:3000"),
                ("origin", "http://127.0.0.1:4321"),
            ],
            &[("host", "a b"), ("origin", "https://hub.example")],
            &[("origin", "https://hub.example")],
        ] {
            assert!(!allowed(headers), "{headers:?}");
        }
        let reading = [host, ("origin", "https://evil.example")];
        assert!(with(&Method::GET, &reading, |visit| visit
            .is_from_own_page(&proxies())));
    }

    #[test]
    fn a_trusted_proxy_tells_that_the_way_here_is_secure() {
        let secure = |proto: &str| {
            let headers = [("host", "hub.example"), ("x-forwarded-proto", proto)];
            with(&Method::POST, &headers, |visit| visit.is_secure(&proxies()))
        };
        assert!(secure("https") && !secure("http"));
    }
}
