//! One key: what its holder may do, and whether he still may.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Digest, KeyId, KeyPrefix, KeySecret, Limits};
use crate::json;

#[derive(Clone, Debug)]
pub struct Key {
    pub id: KeyId,
    pub secret: StoredSecret,
    /// What a rotation replaced, while it is still good.
    pub previous: Option<PreviousSecret>,
    pub terms: Terms,
    /// Unix time in seconds, like every other `…_at` of a key.
    pub created_at: u64,
    pub revoked_at: Option<u64>,
}

/// What is kept of a secret.
#[derive(Clone, Debug)]
pub struct StoredSecret {
    pub prefix: KeyPrefix,
    pub digest: Digest,
}

#[derive(Clone, Debug)]
pub struct PreviousSecret {
    pub secret: StoredSecret,
    pub valid_until: u64,
}

/// What an operator decides about a key.
///
/// A field that nobody knows is refused: a misspelt limit would be none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    pub name: String,
    #[serde(default = "only_api")]
    pub scopes: BTreeSet<Scope>,
    /// Ids, aliases or families; None: all.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    #[serde(default)]
    pub nodes: AllowedNodes,
    /// Whose key it is; nodes that join with a key of the same owner are its own. None: nobody else's.
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default, deserialize_with = "limits")]
    pub limits: Limits,
    #[serde(default, deserialize_with = "json::count")]
    pub expires_at: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To ask: everything under `/v1`.
    Api,
    /// To compute: a node that joins with the key is trusted.
    Node,
    /// To change the hub: everything under `/api/admin`.
    Admin,
}

/// Which nodes get the key's prompts, whatever the request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowedNodes {
    #[default]
    Any,
    Trusted,
    Own,
}

/// Why a key opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    Unknown,
    Revoked,
    Expired,
}

/// Null is none of them.
fn limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limits, D::Error> {
    let limits: Option<Limits> = json::object(deserializer)?;
    Ok(limits.unwrap_or_default())
}

fn only_api() -> BTreeSet<Scope> {
    [Scope::Api].into()
}

impl Key {
    /// Whether it is this key's secret, or the one before it while that is good.
    pub(super) fn has(&self, digest: &Digest, now: u64) -> bool {
        let is_current = self.secret.digest.matches(digest);
        let is_previous = self
            .previous_at(now)
            .is_some_and(|it| it.secret.digest.matches(digest));
        is_current || is_previous
    }

    /// The secret before this one, while it is good.
    pub(crate) fn previous_at(&self, now: u64) -> Option<&PreviousSecret> {
        let previous = self.previous.as_ref();
        previous.filter(|previous| now < previous.valid_until)
    }

    pub(super) fn prefixes(&self) -> impl Iterator<Item = &KeyPrefix> {
        let previous = self.previous.as_ref().map(|it| &it.secret.prefix);
        std::iter::once(&self.secret.prefix).chain(previous)
    }

    pub fn check(&self, now: u64) -> Result<(), KeyFault> {
        if self.revoked_at.is_some() {
            return Err(KeyFault::Revoked);
        }
        match self.terms.expires_at {
            Some(end) if end <= now => Err(KeyFault::Expired),
            _ => Ok(()),
        }
    }
}

impl Terms {
    pub fn allow(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

impl Scope {
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Node => "node",
            Self::Admin => "admin",
        }
    }
}

impl From<&KeySecret> for StoredSecret {
    fn from(secret: &KeySecret) -> Self {
        Self {
            prefix: secret.prefix(),
            digest: secret.digest(),
        }
    }
}
