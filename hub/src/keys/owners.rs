//! Whose a key's prompts and nodes are, in the scheduler's terms.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use protocol::Owner;
use sha2::{Digest as _, Sha256};

use super::{Key, KeyId, secret::random_text};

/// Makes owners that nobody outside can name: they are bound to a secret of this process, and nothing of
/// them is stored.
#[derive(Clone)]
pub(super) struct Owners {
    salt: Option<Arc<str>>,
}

impl Owners {
    pub(super) fn new() -> Self {
        let salt = random_text().map(Arc::from);
        if let Err(error) = &salt {
            tracing::error!("keys have no nodes of their own: {error}");
        }
        Self { salt: salt.ok() }
    }

    pub(super) fn of(&self, key: &Key) -> Option<Owner> {
        let KeyId(id) = key.id;
        let whose = match &key.terms.owner {
            Some(name) => format!("owner {name}"),
            None => format!("key {id}"),
        };
        let digest = Sha256::digest(format!("{} {whose}", self.salt.as_ref()?));
        Owner::try_from(URL_SAFE_NO_PAD.encode(digest)).ok()
    }
}

impl fmt::Debug for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owners(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{KeySecret, testing};

    #[test]
    fn keys_of_one_owner_have_one_owner_and_others_have_their_own() {
        let owners = Owners::new();
        let key = |id, owner: Option<&str>| {
            let mut key = testing::key(id, &KeySecret::random().unwrap());
            key.terms.owner = owner.map(str::to_owned);
            owners.of(&key).expect("an owner")
        };
        assert_eq!(key(1, Some("aino")), key(2, Some("aino")));
        assert_ne!(key(1, Some("aino")), key(1, Some("eino")));
        assert_eq!(key(1, None), key(1, None));
        assert_ne!(key(1, None), key(2, None));
        assert_ne!(key(1, None), key(2, Some("key 1")));
        let elsewhere = Owners::new();
        let same = testing::key(1, &KeySecret::random().unwrap());
        assert_ne!(owners.of(&same), elsewhere.of(&same), "it can't be guessed");
    }
}
