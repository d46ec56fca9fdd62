//! What a request says of who sends it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};

use crate::{
    error::ApiError,
    keys::{self, Key, KeyFault, Keys},
    state::Hub,
};

#[derive(Debug)]
pub(crate) enum Credential {
    Absent,
    /// Something that no hub ever made: OpenAI's clients insist on sending a key, whatever it is.
    Foreign,
    Key(Arc<Key>),
}

impl Credential {
    /// # Errors
    /// A key of ours that is wrong or not good any more is refused even where none is needed: whoever
    /// sends it believes to be somebody.
    pub(crate) async fn of(headers: &HeaderMap, keys: &Keys) -> Result<Self, ApiError> {
        let Some(text) = bearer(headers) else {
            return Ok(Self::Absent);
        };
        if !text.starts_with(keys::BEGINNING) {
            return Ok(Self::Foreign);
        }
        match keys.find(text).await {
            Ok(Ok(key)) => Ok(Self::Key(key)),
            Ok(Err(fault)) => Err(refused(fault)),
            Err(error) => Err(ApiError::keys_unreadable(&error)),
        }
    }
}

pub(crate) fn refused(fault: KeyFault) -> ApiError {
    let (message, code) = match fault {
        KeyFault::Unknown => (
            "this hub does not know this API key; check that it was copied whole, or ask the hub's operator for one",
            "invalid_api_key",
        ),
        KeyFault::Revoked => (
            "this API key was revoked; ask the hub's operator for a new one",
            "invalid_api_key",
        ),
        KeyFault::Expired => (
            "this API key has expired; ask the hub's operator for a new one",
            "expired_api_key",
        ),
    };
    ApiError::Unauthorised {
        message: message.to_owned(),
        code,
    }
}

/// The caller's address: the peer's, or what a trusted proxy says.
pub(crate) async fn client_address(parts: &mut Parts, hub: &Hub) -> Result<IpAddr, ApiError> {
    let peer = peer_address(parts, hub).await?;
    Ok(hub.gate.proxies.client_address(peer, &parts.headers))
}

/// Of whoever has the connection: the caller, or a proxy.
pub(crate) async fn peer_address(parts: &mut Parts, hub: &Hub) -> Result<IpAddr, ApiError> {
    let peer = ConnectInfo::<SocketAddr>::from_request_parts(parts, hub).await;
    let ConnectInfo(peer) =
        peer.map_err(|_| ApiError::internal("the server does not know its peer's address"))?;
    Ok(peer.ip())
}

/// What stands after `Bearer`; None where nothing does.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_bearers_token_is_a_credential() {
        for (value, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Bearer", None),
            ("Bearer ", None),
            ("Basic YTpi", None),
            ("abc", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(bearer(&headers), token, "{value}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
