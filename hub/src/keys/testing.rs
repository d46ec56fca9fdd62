//! Keys for tests.

use super::{AllowedNodes, Key, KeyId, KeySecret, Limits, Scope, StoredSecret, Terms};

pub(crate) fn key(id: u32, secret: &KeySecret) -> Key {
    Key {
        id: KeyId(id),
        secret: StoredSecret::from(secret),
        previous: None,
        terms: Terms {
            name: format!("key {id}"),
            scopes: [Scope::Api, Scope::Node].into(),
            models: None,
            nodes: AllowedNodes::Any,
            owner: None,
            limits: Limits::NONE,
            expires_at: None,
        },
        created_at: 0,
        revoked_at: None,
    }
}
