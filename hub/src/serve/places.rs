//! Who may still connect: places for all clients together, and for each address.

use std::{net::IpAddr, sync::Arc};

use axum::http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::HttpLimits;
use crate::{
    error::ApiError,
    net::{ConnectionLimit, ConnectionPermit, Refused, TrustedProxies},
};

/// Cheap to clone: a clone counts the same connections.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    limit: usize,
    per_address: ConnectionLimit,
    proxies: TrustedProxies,
}

/// A connection's place among all, and among those of its address; dropping it frees both.
#[derive(Debug)]
pub(super) struct Place {
    _among_all: OwnedSemaphorePermit,
    _of_address: Option<ConnectionPermit>,
}

impl Places {
    pub(crate) fn new(limits: &HttpLimits, proxies: TrustedProxies) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.connections)),
            limit: limits.connections,
            per_address: ConnectionLimit::new(limits.connections_per_address),
            proxies,
        }
    }

    /// For a connection. One from a trusted proxy may be anybody's, and is counted by its requests.
    pub(super) fn take(&self, peer: IpAddr) -> Result<Place, ApiError> {
        let among_all = Arc::clone(&self.all)
            .try_acquire_owned()
            .map_err(|_full| ApiError::too_many_connections(self.limit))?;
        let peer = peer.to_canonical();
        let of_address = if self.proxies.trusts(peer) {
            None
        } else {
            Some(self.acquire(peer)?)
        };
        Ok(Place {
            _among_all: among_all,
            _of_address: of_address,
        })
    }

    /// For a request that a trusted proxy passed on; None where its connection was counted already,
    /// and where it is the proxy's own.
    pub(super) fn take_for_request(
        &self,
        peer: IpAddr,
        headers: &HeaderMap,
    ) -> Result<Option<ConnectionPermit>, ApiError> {
        if !self.proxies.trusts(peer.to_canonical()) {
            return Ok(None);
        }
        let client = self.proxies.client_address(peer, headers);
        if self.proxies.trusts(client) {
            return Ok(None);
        }
        self.acquire(client).map(Some)
    }

    fn acquire(&self, address: IpAddr) -> Result<ConnectionPermit, ApiError> {
        self.per_address.acquire(address).ok_or_else(|| {
            ApiError::from(Refused::TooManyConnections {
                address,
                limit: self.per_address.per_address(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(connections: usize, connections_per_address: usize) -> Places {
        let limits = HttpLimits {
            connections,
            connections_per_address,
            ..HttpLimits::default()
        };
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        Places::new(&limits, TrustedProxies::new(proxies))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn forwarded_for(client: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-forwarded-for",
            axum::http::HeaderValue::from_static(client),
        );
        headers
    }

    #[test]
    fn all_addresses_share_the_places_of_all() {
        let places = places(2, 9);
        let first = places.take(address("192.0.2.1")).unwrap();
        let _second = places.take(address("192.0.2.2")).unwrap();
        let refused = places.take(address("192.0.2.3")).unwrap_err();
        assert!(
            matches!(refused, ApiError::Unavailable { .. }),
            "{refused:?}"
        );
        drop(first);
        assert!(places.take(address("192.0.2.3")).is_ok());
    }

    #[test]
    fn a_refused_address_keeps_no_place_among_all() {
        let places = places(2, 1);
        let _first = places.take(address("192.0.2.1")).unwrap();
        for _ in 0..3 {
            let refused = places.take(address("192.0.2.1")).unwrap_err();
            assert!(
                matches!(refused, ApiError::TooManyRequests { .. }),
                "{refused:?}"
            );
        }
        assert!(places.take(address("192.0.2.2")).is_ok());
    }

    #[test]
    fn a_proxys_clients_are_counted_by_their_requests_and_the_proxy_is_not() {
        let places = places(9, 1);
        let proxy = address("10.0.0.1");
        let _connections = [places.take(proxy).unwrap(), places.take(proxy).unwrap()];
        let aino = forwarded_for("198.51.100.1");
        let _request = places.take_for_request(proxy, &aino).unwrap().unwrap();
        assert!(places.take_for_request(proxy, &aino).is_err());
        let others = forwarded_for("198.51.100.2");
        assert!(places.take_for_request(proxy, &others).unwrap().is_some());
        let own = places.take_for_request(proxy, &HeaderMap::new()).unwrap();
        assert!(own.is_none());
        let direct = places
            .take_for_request(address("192.0.2.1"), &aino)
            .unwrap();
        assert!(direct.is_none(), "its connection was counted");
    }
}
