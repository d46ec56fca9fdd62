//! How many may listen to the live statistics at the same time.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, request::Parts},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    error::ApiError,
    net::{Admission, ConnectionLimit, Gate},
    state::Hub,
};

/// All addresses together; each costs a socket and a few kilobytes.
const LISTENERS: usize = 1024;

/// Counted apart from nodes' connections: whoever only watches takes no node's place.
#[derive(Clone, Debug)]
pub(super) struct Listeners {
    gate: Gate,
    places: Arc<Semaphore>,
}

/// One listener's place; dropping it gives it to the next one.
#[derive(Debug)]
pub(crate) struct Listening {
    _admission: Admission,
    _place: OwnedSemaphorePermit,
}

impl Listeners {
    /// As many per address as that gate allows, in a count of their own.
    pub(super) fn new(gate: &Gate) -> Self {
        let connections = ConnectionLimit::new(gate.connections.per_address());
        Self {
            gate: Gate {
                connections,
                ..gate.clone()
            },
            places: Arc::new(Semaphore::new(LISTENERS)),
        }
    }

    fn admit(&self, peer: IpAddr, headers: &HeaderMap) -> Result<Listening, ApiError> {
        let admission = self.gate.admit(peer, headers)?;
        let place = Arc::clone(&self.places).try_acquire_owned();
        Ok(Listening {
            _admission: admission,
            _place: place.map_err(|_full| ApiError::too_many_listeners(LISTENERS))?,
        })
    }
}

impl FromRequestParts<Hub> for Listening {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let ConnectInfo(peer) = ConnectInfo::<SocketAddr>::from_request_parts(parts, hub)
            .await
            .map_err(|_| ApiError::internal("the server does not know its peer's address"))?;
        hub.live.listeners.admit(peer.ip(), &parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{OriginPolicy, TrustedProxies};

    fn listeners(per_address: usize) -> Listeners {
        Listeners::new(&Gate {
            origins: OriginPolicy::new(Vec::new()),
            proxies: TrustedProxies::new(Vec::new()),
            connections: ConnectionLimit::new(per_address),
        })
    }

    #[test]
    fn so_many_may_listen_from_everywhere_together() {
        let listeners = listeners(10);
        let address =
            |number: usize| IpAddr::from([10, 0, (number / 250) as u8, (number % 250) as u8]);
        let admit = |number| listeners.admit(address(number), &HeaderMap::new());
        let mut listening: Vec<_> = (0..LISTENERS)
            .map(|number| admit(number).unwrap())
            .collect();
        let refused = admit(LISTENERS).unwrap_err();
        assert!(
            matches!(refused, ApiError::TooManyRequests { .. }),
            "{refused}"
        );
        assert!(refused.to_string().contains("1024"), "{refused}");
        listening.pop();
        assert!(admit(LISTENERS).is_ok());
    }

    #[test]
    fn whoever_listens_takes_no_place_of_a_node() {
        let gate = listeners(1).gate;
        let listeners = Listeners::new(&gate);
        let address = IpAddr::from([10, 0, 0, 1]);
        let _listening = listeners.admit(address, &HeaderMap::new()).unwrap();
        assert!(listeners.admit(address, &HeaderMap::new()).is_err());
        assert!(gate.connections.acquire(address).is_some());
    }
}
