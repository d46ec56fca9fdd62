//! The gate in front of `/ws`: a connection that passes it carries its address and its permit.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRef, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};

use super::{ConnectionLimit, ConnectionPermit, OriginPolicy, TrustedProxies};
use crate::error::ApiError;

/// The three checks together; a clone shares the count of open connections.
#[derive(Clone, Debug)]
pub struct Gate {
    pub origins: OriginPolicy,
    pub proxies: TrustedProxies,
    pub connections: ConnectionLimit,
}

/// An admitted connection. Keep it for as long as the connection lives: dropping it gives the
/// place to the next one from the same address.
#[derive(Debug)]
pub struct Admission {
    pub address: IpAddr,
    pub permit: ConnectionPermit,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "pages of {origin} may not use this hub; its operator can name them in ALLOWED_ORIGINS"
    )]
    ForeignOrigin { origin: String },
    #[error("{address} already has {limit} connections to this hub; close one and try again")]
    TooManyConnections { address: IpAddr, limit: usize },
}

impl Gate {
    pub fn admit(&self, peer: IpAddr, headers: &HeaderMap) -> Result<Admission, Refused> {
        self.check_origin(headers)?;
        let address = self.proxies.client_address(peer, headers);
        let permit = self
            .connections
            .acquire(address)
            .ok_or(Refused::TooManyConnections {
                address,
                limit: self.connections.per_address(),
            })?;
        Ok(Admission { address, permit })
    }

    /// Refuses what a browser sends for a page that has no business here.
    pub fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(());
        };
        if self.origins.allows(origin, headers.get(header::HOST)) {
            return Ok(());
        }
        Err(Refused::ForeignOrigin {
            origin: String::from_utf8_lossy(origin.as_bytes()).into(),
        })
    }
}

impl<S> FromRequestParts<S> for Admission
where
    S: Send + Sync,
    Gate: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let ConnectInfo(peer) = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .copied()
            .ok_or_else(|| ApiError::internal("the server does not know its peer's address"))?;
        Ok(Gate::from_ref(state).admit(peer.ip(), &parts.headers)?)
    }
}
