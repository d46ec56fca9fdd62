//! Whether a visitor wrote an address of the machine itself.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header, uri::Authority};

/// A name on the web that its owner has point here (DNS rebinding) is none of this machine's, and a page can't have another
/// `Host` sent. What a proxy passed on comes from elsewhere, whatever it says.
pub(crate) fn names_this_machine(headers: &HeaderMap) -> bool {
    !headers.keys().any(is_of_a_proxy)
        && headers
            .get(header::HOST)
            .and_then(|host| Authority::try_from(host.as_bytes()).ok())
            .is_some_and(|authority| is_own(authority.host()))
}

fn is_of_a_proxy(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("x-forwarded-") || matches!(name, "forwarded" | "via" | "x-real-ip")
}

fn is_own(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        names_this_machine(&headers.collect())
    }

    #[test]
    fn only_the_machines_own_names_name_it() {
        for host in [
            "127.0.0.1:3000",
            "127.8.9.1",
            "localhost:3000",
            "[::1]:3000",
        ] {
            assert!(names(&[("host", host)]), "{host}");
        }
        for host in [
            "evil.example:3000",
            "localhost.evil.example",
            "192.168.1.5:3000",
            "0.0.0.0:3000",
            "a b",
        ] {
            assert!(!names(&[("host", host)]), "{host}");
        }
        assert!(!names(&[]));
    }

    #[test]
    fn what_a_proxy_passed_on_names_another() {
        for passed_on in [
            ("x-forwarded-host", "localhost"),
            ("x-forwarded-for", "127.0.0.1"),
            ("forwarded", "for=127.0.0.1"),
            ("via", "1.1 Caddy"),
            ("x-real-ip", "127.0.0.1"),
        ] {
            assert!(
                !names(&[("host", "127.0.0.1:3000"), passed_on]),
                "{passed_on:?}"
            );
        }
    }
}
