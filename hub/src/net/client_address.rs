//! The client's address where proxies stand between: what a proxy says counts only if we know it.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks whose `X-Forwarded-…` headers are believed.
#[derive(Clone, Debug)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// The peer itself, unless it is a trusted proxy: then the rightmost address of
    /// `X-Forwarded-For` that is no trusted proxy. Each proxy appends the peer that it saw, so
    /// everything left of that address may be the client's own invention.
    pub fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let hops: Vec<&[u8]> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .collect();
        for hop in hops.into_iter().rev() {
            if !self.trusts(client) {
                break;
            }
            let Some(address) = parse_hop(hop) else { break };
            client = address;
        }
        client
    }

    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Some proxies write the port as well.
fn parse_hop(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let address = hop
        .parse()
        .ok()
        .or_else(|| hop.parse::<SocketAddr>().ok().map(|hop| hop.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_rightmost_address_that_no_trusted_proxy_has() {
        let proxies = TrustedProxies::new(vec![
            "127.0.0.0/8".parse().unwrap(),
            "::1/128".parse().unwrap(),
            "10.0.0.0/8".parse().unwrap(),
        ]);
        let table: &[(&str, &[&str], &str)] = &[
            // peer, X-Forwarded-For headers, client
            ("192.0.2.1", &[], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("::1", &["198.51.100.7"], "198.51.100.7"),
            ("::ffff:127.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1", &["198.51.100.7, 10.1.2.3"], "198.51.100.7"),
            (
                "127.0.0.1",
                &["127.0.0.1, 198.51.100.7, 10.1.2.3"],
                "198.51.100.7",
            ),
            (
                "127.0.0.1",
                &["203.0.113.9", "198.51.100.7"],
                "198.51.100.7",
            ),
            ("127.0.0.1", &["10.1.2.3, 10.1.2.4"], "10.1.2.3"),
            ("127.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("127.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("127.0.0.1", &["unknown"], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.7, nonsense"], "127.0.0.1"),
            ("127.0.0.1", &[""], "127.0.0.1"),
        ];
        for (peer, forwarded, client) in table {
            let mut headers = HeaderMap::new();
            for value in *forwarded {
                headers.append(FORWARDED_FOR, value.parse().unwrap());
            }
            assert_eq!(
                proxies.client_address(peer.parse().unwrap(), &headers),
                client.parse::<IpAddr>().unwrap(),
                "peer {peer}, forwarded {forwarded:?}"
            );
        }
    }

    #[test]
    fn a_header_that_is_no_text_is_not_believed() {
        let proxies = TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        headers.insert(
            FORWARDED_FOR,
            axum::http::HeaderValue::from_bytes(b"\xff\xfe").unwrap(),
        );
        let peer = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(proxies.client_address(peer, &headers), peer);
    }
}
