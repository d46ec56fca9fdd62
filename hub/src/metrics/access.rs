//! Who may read the metrics: whoever has the token, or, where there is none, this machine.

use std::net::IpAddr;

use axum::http::HeaderMap;
use subtle::ConstantTimeEq;

use crate::{
    access::bearer,
    config::Secret,
    error::ApiError,
    net::{TrustedProxies, names_this_machine},
};

#[derive(Clone, Debug)]
pub(crate) struct Access {
    token: Option<Secret>,
    proxies: TrustedProxies,
}

impl Access {
    pub(crate) fn new(token: Option<Secret>, proxies: TrustedProxies) -> Self {
        Self { token, proxies }
    }

    pub(super) fn check(&self, peer: IpAddr, headers: &HeaderMap) -> Result<(), ApiError> {
        let Some(token) = &self.token else {
            let is_here = self.proxies.client_address(peer, headers).is_loopback()
                && names_this_machine(headers);
            return is_here.then_some(()).ok_or_else(ApiError::metrics_closed);
        };
        // In constant time: how long the refusal takes must not tell how much was right.
        let is_right = bearer(headers)
            .is_some_and(|given| token.reveal().as_bytes().ct_eq(given.as_bytes()).into());
        is_right.then_some(()).ok_or_else(ApiError::metrics_token)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn check(token: Option<&str>, peer: &str, headers: &[(&str, &str)]) -> Result<(), ApiError> {
        let proxies = TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let access = Access::new(token.map(Secret::new), proxies);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        access.check(peer.parse().unwrap(), &map)
    }

    /// A peer, the headers that it sends, and whether it may read.
    type Case = (&'static str, &'static [(&'static str, &'static str)], bool);

    #[test]
    fn without_a_token_this_machine_reads_and_nobody_else() {
        let table: &[Case] = &[
            ("127.0.0.1", &[("host", "127.0.0.1:3000")], true),
            ("127.0.0.1", &[("host", "localhost:3000")], true),
            ("::1", &[("host", "[::1]:3000")], true),
            ("::ffff:127.0.0.1", &[("host", "localhost")], true),
            ("127.0.0.1", &[], false),
            ("127.0.0.1", &[("host", "evil.example")], false),
            ("192.0.2.1", &[("host", "127.0.0.1:3000")], false),
            (
                "127.0.0.1",
                &[("host", "localhost"), ("x-forwarded-for", "192.0.2.1")],
                false,
            ),
            (
                "127.0.0.1",
                &[("host", "localhost"), ("x-forwarded-for", "127.0.0.1")],
                false,
            ),
            (
                "127.0.0.1",
                &[("host", "localhost"), ("via", "1.1 proxy")],
                false,
            ),
        ];
        for (peer, headers, expected) in table {
            assert_eq!(
                check(None, peer, headers).is_ok(),
                *expected,
                "{peer} {headers:?}"
            );
        }
    }

    #[test]
    fn with_a_token_everybody_needs_it_and_it_is_enough() {
        let table: &[Case] = &[
            ("192.0.2.1", &[("authorization", "Bearer right")], true),
            ("192.0.2.1", &[("authorization", "Bearer wrong")], false),
            ("192.0.2.1", &[("authorization", "Bearer right2")], false),
            ("192.0.2.1", &[("authorization", "right")], false),
            ("127.0.0.1", &[("host", "localhost")], false),
        ];
        for (peer, headers, expected) in table {
            assert_eq!(
                check(Some("right"), peer, headers).is_ok(),
                *expected,
                "{peer} {headers:?}"
            );
        }
    }
}
