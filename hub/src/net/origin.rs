//! Which pages may use the hub from a browser.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use axum::http::HeaderValue;
use url::{Host, Origin, Url};

/// The hub's own pages, those that the operator names, and those of the local network.
///
/// A page from elsewhere must not spend this hub's machines behind the back of the person who
/// merely visits it. What sends no `Origin` is no browser, and is not concerned.
#[derive(Clone, Debug, Default)]
pub struct OriginPolicy {
    allowed: Arc<[Origin]>,
}

impl OriginPolicy {
    pub fn new(allowed: Vec<Origin>) -> Self {
        Self {
            allowed: allowed.into(),
        }
    }

    /// `host` is the request's own `Host`. A page of that name is ours, whatever the scheme: a
    /// proxy that ends TLS in front of the hub leaves us no trace of it.
    pub fn allows(&self, origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
        let Some(url) = origin.to_str().ok().and_then(parse_web_origin) else {
            return false;
        };
        if url.host().is_some_and(|host| is_local(&host)) {
            return true;
        }
        let origin = url.origin();
        self.allowed.contains(&origin) || own_origin(url.scheme(), host).as_ref() == Some(&origin)
    }
}

/// An origin as browsers write it: `https://name` or `https://name:port`, nothing behind.
pub(crate) fn parse_web_origin(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let bare = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    bare.then_some(url)
}

fn own_origin(scheme: &str, host: Option<&HeaderValue>) -> Option<Origin> {
    let host = host?.to_str().ok()?;
    Some(parse_web_origin(&format!("{scheme}://{host}"))?.origin())
}

/// Judged by the parsed address: `10.evil.example` begins like one and is none.
fn is_local(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => is_local_v4(*address),
        Host::Ipv6(address) => match IpAddr::V6(*address).to_canonical() {
            IpAddr::V4(mapped) => is_local_v4(mapped),
            IpAddr::V6(address) => is_local_v6(address),
        },
        // Browsers resolve this name, and everything below it, to loopback without asking.
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
    }
}

fn is_local_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_private() || address.is_link_local()
}

fn is_local_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(policy: &OriginPolicy, origin: &str, host: &str) -> bool {
        policy.allows(
            &HeaderValue::from_str(origin).unwrap(),
            Some(&HeaderValue::from_str(host).unwrap()),
        )
    }

    #[test]
    fn pages_of_the_local_network_and_of_the_hub_are_let_in() {
        let policy = OriginPolicy::default();
        for (origin, host) in [
            ("http://127.0.0.1:4321", "127.0.0.1:3000"),
            ("http://127.8.9.1", "hub.example"),
            ("http://localhost:4321", "127.0.0.1:3000"),
            ("http://studio.localhost", "127.0.0.1:3000"),
            ("http://[::1]:4321", "127.0.0.1:3000"),
            ("http://[::ffff:192.168.1.5]", "hub.example"),
            ("http://10.1.2.3", "hub.example"),
            ("http://172.16.0.1", "hub.example"),
            ("http://172.31.255.255", "hub.example"),
            ("http://192.168.1.1:8080", "hub.example"),
            ("http://169.254.3.4", "hub.example"),
            ("http://[fd12:3456::1]", "hub.example"),
            ("http://[fe80::1]", "hub.example"),
            ("https://hub.example", "hub.example"),
            ("https://HUB.example", "hub.EXAMPLE"),
            ("https://hub.example", "hub.example:443"),
            ("http://hub.example:3000", "hub.example:3000"),
        ] {
            assert!(allows(&policy, origin, host), "{origin} at {host}");
        }
    }

    #[test]
    fn pages_from_elsewhere_are_refused_however_they_dress() {
        let policy = OriginPolicy::default();
        for origin in [
            "https://evil.example",
            "http://10.evil.com",
            "http://192.168.1.1.evil.com",
            "http://127.0.0.1.evil.com",
            "http://localhost.evil.com",
            "http://evillocalhost",
            "http://172.15.0.1",
            "http://172.32.0.1",
            "http://192.169.0.1",
            "http://11.0.0.1",
            "http://8.8.8.8",
            "http://[2001:db8::1]",
            "http://[::ffff:8.8.8.8]",
            "http://hub.example.evil.com",
            "http://evil.com@127.0.0.1",
            "http://127.0.0.1/../evil",
            "https://hub.example:8443",
            "ftp://127.0.0.1",
            "file://",
            "null",
            "",
            "127.0.0.1",
        ] {
            assert!(!allows(&policy, origin, "hub.example"), "{origin}");
        }
    }

    #[test]
    fn pages_that_the_operator_names_are_let_in_by_scheme_host_and_port() {
        let policy = OriginPolicy::new(vec![
            parse_web_origin("https://studio.example").unwrap().origin(),
        ]);
        assert!(allows(&policy, "https://studio.example", "hub.example"));
        assert!(allows(&policy, "https://studio.example:443", "hub.example"));
        assert!(!allows(&policy, "http://studio.example", "hub.example"));
        assert!(!allows(
            &policy,
            "https://studio.example:444",
            "hub.example"
        ));
        assert!(!allows(
            &policy,
            "https://sub.studio.example",
            "hub.example"
        ));
    }

    #[test]
    fn without_a_host_only_the_origin_itself_counts() {
        let policy = OriginPolicy::default();
        assert!(policy.allows(&HeaderValue::from_static("http://127.0.0.1"), None));
        assert!(!policy.allows(&HeaderValue::from_static("https://hub.example"), None));
    }
}
