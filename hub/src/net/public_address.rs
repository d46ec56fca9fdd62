//! The hub's own address as its visitor wrote it: what a script that the hub hands out calls it.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use super::TrustedProxies;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The longest name that DNS has.
const LONGEST_NAME: usize = 253;

impl TrustedProxies {
    /// As in `https://host:port`; None where what the visitor sent is no plain host with an optional
    /// port. Nothing that a shell reads as more than text passes.
    pub fn public_address(&self, peer: IpAddr, headers: &HeaderMap, uri: &Uri) -> Option<String> {
        let forwarded = |name| {
            let is_proxy = self.trusts(peer.to_canonical());
            is_proxy.then(|| last(headers, name)).flatten()
        };
        let scheme = match forwarded(FORWARDED_PROTO) {
            Some(b"https") => "https",
            // The hub itself speaks nothing else.
            None | Some(b"http") => "http",
            Some(_) => return None,
        };
        let host = forwarded(FORWARDED_HOST)
            .or_else(|| headers.get(header::HOST).map(HeaderValue::as_bytes))
            // HTTP/2 has it there.
            .or_else(|| uri.authority().map(|host| host.as_str().as_bytes()))?;
        let host = std::str::from_utf8(host).ok()?;
        is_plain(host).then(|| format!("{scheme}://{host}"))
    }
}

/// What the nearest proxy wrote: whatever lies left of it may be the visitor's own invention.
fn last(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    let value = headers.get_all(name).iter().next_back()?;
    let entry = value.as_bytes().rsplit(|byte| *byte == b',').next()?;
    Some(entry.trim_ascii())
}

fn is_plain(host: &str) -> bool {
    let end = match host.strip_prefix('[') {
        Some(rest) => {
            let Some((address, end)) = rest.split_once(']') else {
                return false;
            };
            if address.parse::<Ipv6Addr>().is_err() {
                return false;
            }
            end
        }
        None => {
            let name = host.split(':').next().unwrap_or_default();
            let is_name = name.len() <= LONGEST_NAME
                && name.starts_with(|first: char| first.is_ascii_alphanumeric())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
            if !is_name {
                return false;
            }
            &host[name.len()..]
        }
    };
    match end.strip_prefix(':') {
        Some(port) => {
            port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port != 0)
        }
        None => end.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, headers: &[(&str, &[u8])]) -> Option<String> {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        proxies.public_address(peer.parse().unwrap(), &map, &Uri::from_static("/join.sh"))
    }

    #[test]
    fn plain_hosts_are_taken_as_the_visitor_wrote_them() {
        for host in [
            "kipina.studio",
            "kipina.studio:8443",
            "localhost:3000",
            "my_hub-2.local",
            "192.168.1.5:3000",
            "[::1]:3000",
            "[fd12:3456::1]",
            "h",
        ] {
            let expected = Some(format!("http://{host}"));
            assert_eq!(address("192.0.2.1", &[("host", host.as_bytes())]), expected);
        }
    }

    #[test]
    fn what_could_be_more_than_a_host_is_refused() {
        for host in [
            "",
            " ",
            "a;rm -rf",
            "a b",
            "a\"b",
            "a'b",
            "a`id`",
            "$(x)",
            "${x}",
            "a$b",
            "a&b",
            "a|b",
            "a\\b",
            "a/b",
            "a?b",
            "a#b",
            "a%20b",
            "user@host",
            "@KIPINA_RELEASE_KEY@",
            "a\tb",
            "-o",
            ".a",
            ":80",
            "a:",
            "a:0",
            "a:65536",
            "a:+80",
            "a:80:80",
            "a:8o",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[::1%eth0]",
            "[$(x)]",
            "::1",
            "kipinä.studio",
        ] {
            assert_eq!(
                address("192.0.2.1", &[("host", host.as_bytes())]),
                None,
                "{host}"
            );
        }
        assert_eq!(address("192.0.2.1", &[("host", b"a\xff")]), None);
        assert_eq!(address("192.0.2.1", &[]), None);
        let long = "a".repeat(254);
        assert_eq!(address("192.0.2.1", &[("host", long.as_bytes())]), None);
    }

    #[test]
    fn only_a_trusted_proxy_may_say_otherwise() {
        let host: (&str, &[u8]) = ("host", b"inner:3000");
        let forwarded: [(&str, &[u8]); 3] = [
            host,
            ("x-forwarded-proto", b"https"),
            ("x-forwarded-host", b"kipina.studio"),
        ];
        let told = |peer| address(peer, &forwarded);
        assert_eq!(told("10.1.2.3").as_deref(), Some("https://kipina.studio"));
        assert_eq!(
            told("::ffff:10.1.2.3").as_deref(),
            Some("https://kipina.studio")
        );
        assert_eq!(told("192.0.2.1").as_deref(), Some("http://inner:3000"));
        assert_eq!(
            address("10.1.2.3", &[host, ("x-forwarded-proto", b"https")]).as_deref(),
            Some("https://inner:3000")
        );
        assert_eq!(
            address(
                "10.1.2.3",
                &[host, ("x-forwarded-host", b"evil, kipina.studio")]
            )
            .as_deref(),
            Some("http://kipina.studio")
        );
        for wrong in [
            ("x-forwarded-proto", b"ftp".as_slice()),
            ("x-forwarded-proto", b"https\"; rm -rf ~; \""),
            ("x-forwarded-host", b"$(x)"),
            ("x-forwarded-host", b""),
        ] {
            assert_eq!(address("10.1.2.3", &[host, wrong]), None, "{wrong:?}");
        }
    }
}
