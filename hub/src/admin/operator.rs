//! Who may change the hub: a session, a key with the scope `admin`, or whoever is at a machine that serves
//! nobody else.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{Author, WayIn, Who, cookie, same_site::Visit, sessions::OpenSession};
use crate::{
    access::{Credential, client_address, peer_address},
    error::ApiError,
    keys::{Keys, Scope},
    net::names_this_machine,
    state::Hub,
};

#[derive(Clone, Debug)]
pub(crate) struct Operator {
    pub(crate) author: Author,
    /// None where it is a key's, or this machine's.
    pub(super) session: Option<OpenSession>,
}

impl Operator {
    /// Returns once it may operate no more.
    pub(super) async fn gone(self, keys: Keys) {
        match (self.session, self.author.who) {
            (Some(session), _) => session.over().await,
            (None, Who::Key { id, .. }) => keys.not_good(id, Scope::Admin).await,
            (None, Who::Session | Who::ThisMachine) => std::future::pending().await,
        }
    }
}

impl FromRequestParts<Hub> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let address = client_address(parts, hub).await?;
        let operator = |who, session| Self {
            author: Author { who, address },
            session,
        };
        // No page makes a browser send this header without its own script's doing.
        if let Credential::Key(key) = Credential::of(&parts.headers, &hub.keys).await? {
            if !key.terms.allow(Scope::Admin) {
                return Err(ApiError::missing_scope(Scope::Admin));
            }
            hub.keys.used(key.id);
            let (id, name) = (key.id, key.terms.name.clone());
            return Ok(operator(Who::Key { id, name }, None));
        }
        match &hub.admin.way_in {
            WayIn::Password(login) => {
                let Some(token) = cookie::token(&parts.headers) else {
                    return Err(ApiError::not_logged_in());
                };
                let session = login.find(token).await;
                let session = session.ok_or_else(ApiError::not_logged_in)?;
                check_page(parts, hub).await?;
                Ok(operator(Who::Session, Some(session)))
            }
            WayIn::ThisMachine => {
                if !address.is_loopback() {
                    return Err(ApiError::admin_closed());
                }
                if !names_this_machine(&parts.headers) {
                    return Err(ApiError::admin_closed());
                }
                check_page(parts, hub).await?;
                Ok(operator(Who::ThisMachine, None))
            }
            WayIn::Closed => Err(ApiError::admin_closed()),
        }
    }
}

/// Refuses what another site's page sends.
pub(super) async fn check_page(parts: &mut Parts, hub: &Hub) -> Result<(), ApiError> {
    let visit = Visit::of(parts, hub).await?;
    if visit.is_from_own_page(&hub.gate.proxies) {
        Ok(())
    } else {
        Err(ApiError::foreign_page())
    }
}

impl<'a> Visit<'a> {
    pub(super) async fn of(parts: &'a mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let peer = peer_address(parts, hub).await?;
        Ok(Self {
            peer,
            method: &parts.method,
            headers: &parts.headers,
            uri: &parts.uri,
        })
    }
}
