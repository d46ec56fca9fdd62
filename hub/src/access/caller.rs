//! Who asks under `/v1`: a key, or an address without one.

use std::{net::IpAddr, sync::Arc};

use axum::{extract::FromRequestParts, http::request::Parts};
use protocol::Owner;
use scheduler::ModelNames;

use super::{
    AccessPolicy,
    credential::{Credential, client_address},
    models,
};
use crate::{
    dispatch::NodePreference,
    error::ApiError,
    keys::{Admission, AllowedNodes, Client, Key, Keys, Limits, Scope, Span, Unit},
    state::Hub,
};

/// Somebody who may ask. A handler that takes one is closed to everybody else.
#[derive(Debug)]
pub(crate) struct Caller {
    client: Client,
    key: Option<Arc<Key>>,
    limits: Limits,
    keys: Keys,
    names: Arc<ModelNames>,
}

/// What a prompt has from whoever asks.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) client: Client,
    /// Whose prompts they are where the request does not say.
    pub(crate) owner: Option<Owner>,
    pub(crate) demand: NodePreference,
}

impl Caller {
    pub(crate) fn asker(&self) -> Asker {
        let demand = match self.key.as_ref().map(|key| key.terms.nodes) {
            None | Some(AllowedNodes::Any) => NodePreference::Any,
            Some(AllowedNodes::Trusted) => NodePreference::Trusted,
            Some(AllowedNodes::Own) => NodePreference::Own,
        };
        Asker {
            client: self.client,
            owner: self.key.as_ref().and_then(|key| self.keys.owner_of(key)),
            demand,
        }
    }

    /// Whether it may ask for the model of this name.
    pub(crate) fn may_ask_for(&self, model: &str) -> bool {
        match self.allowed_models() {
            Some(allowed) => models::allows(allowed, model, &self.names),
            None => true,
        }
    }

    pub(crate) fn check_model(&self, model: &str) -> Result<(), ApiError> {
        if self.may_ask_for(model) {
            return Ok(());
        }
        let allowed = self.allowed_models().unwrap_or_default().join(", ");
        Err(ApiError::Forbidden {
            message: format!(
                "this API key may not ask for the model '{model}'; it is for: {allowed}"
            ),
            code: "model_not_allowed",
        })
    }

    /// Takes one request from its limits, and sets `tokens` aside.
    pub(crate) async fn admit(&self, tokens: u32) -> Result<Admission, ApiError> {
        let admitted = self
            .keys
            .meter()
            .admit(self.client, self.limits, tokens)
            .await;
        admitted.map_err(|reached| {
            let whose = match self.key {
                Some(_) => "of this API key",
                None => "for callers without an API key",
            };
            let unit = match reached.unit {
                Unit::Requests => "requests",
                Unit::Tokens => "tokens",
            };
            let (span, code) = match reached.span {
                Span::Minute => ("minute", "rate_limit_exceeded"),
                Span::Day => ("day", "insufficient_quota"),
            };
            let (limit, pause) = (reached.limit, reached.retry_after.as_secs_f64().ceil());
            ApiError::LimitReached {
                message: format!(
                    "the limit {whose} of {limit} {unit} a {span} is reached; try again in {pause} s"
                ),
                code,
                retry_after: reached.retry_after,
                standing: reached.standing,
            }
        })
    }

    fn allowed_models(&self) -> Option<&[String]> {
        self.key.as_ref()?.terms.models.as_deref()
    }

    fn with_key(key: Arc<Key>, hub: &Hub) -> Result<Self, ApiError> {
        if !key.terms.allow(Scope::Api) {
            return Err(ApiError::missing_scope(Scope::Api));
        }
        Ok(Self {
            client: Client::Key(key.id),
            limits: key.terms.limits,
            key: Some(key),
            keys: hub.keys.clone(),
            names: Arc::clone(&hub.model_names),
        })
    }

    fn without_key(address: IpAddr, anonymous: Limits, hub: &Hub) -> Self {
        let limits = if address.is_loopback() {
            Limits::NONE
        } else {
            anonymous
        };
        Self {
            client: Client::at(address),
            limits,
            key: None,
            keys: hub.keys.clone(),
            names: Arc::clone(&hub.model_names),
        }
    }
}

impl FromRequestParts<Hub> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let credential = Credential::of(&parts.headers, &hub.keys).await?;
        let access = hub.decisions.settings.now().await.tuned.access;
        match (credential, access.policy) {
            (Credential::Key(key), _) => Self::with_key(key, hub),
            (_, AccessPolicy::Open) => {
                let address = client_address(parts, hub).await?;
                Ok(Self::without_key(address, access.anonymous, hub))
            }
            (Credential::Absent, AccessPolicy::Keys) => Err(ApiError::missing_key()),
            (Credential::Foreign, AccessPolicy::Keys) => {
                Err(super::refused(crate::keys::KeyFault::Unknown))
            }
        }
    }
}
