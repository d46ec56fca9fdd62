//! All keys, in memory: a plain value that is replaced as a whole, so that a check costs no disk and no lock.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Key, KeyFault, KeyId, KeyPrefix, KeySecret};

#[derive(Clone, Debug, Default)]
pub struct Book {
    keys: BTreeMap<KeyId, Arc<Key>>,
    /// Those of previous secrets, too.
    by_prefix: HashMap<KeyPrefix, KeyId>,
}

impl Book {
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        let mut book = Self::default();
        for key in keys {
            book.put(key);
        }
        book
    }

    /// The key whose secret this is.
    ///
    /// # Errors
    /// Where there is none, or it is not good any more.
    pub fn find(&self, secret: &KeySecret, now: u64) -> Result<&Arc<Key>, KeyFault> {
        let found = self.by_prefix.get(&secret.prefix());
        let key = found
            .and_then(|id| self.keys.get(id))
            .filter(|key| key.has(&secret.digest(), now))
            .ok_or(KeyFault::Unknown)?;
        key.check(now)?;
        Ok(key)
    }

    pub fn get(&self, id: KeyId) -> Option<&Arc<Key>> {
        self.keys.get(&id)
    }

    /// In the order in which they were made.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.values()
    }

    pub(super) fn next_id(&self) -> KeyId {
        KeyId(
            self.keys
                .keys()
                .next_back()
                .map_or(1, |KeyId(last)| last + 1),
        )
    }

    pub(super) fn is_taken(&self, prefix: &KeyPrefix) -> bool {
        self.by_prefix.contains_key(prefix)
    }

    /// With this key added, or in the place of the one that it replaces.
    pub(super) fn with(&self, key: Key) -> Self {
        let mut book = self.clone();
        book.put(key);
        book
    }

    fn put(&mut self, key: Key) {
        let id = key.id;
        for prefix in key.prefixes() {
            self.by_prefix.insert(prefix.clone(), id);
        }
        let Some(replaced) = self.keys.insert(id, Arc::new(key)) else {
            return;
        };
        let kept: Vec<_> = self.keys[&id].prefixes().cloned().collect();
        for prefix in replaced.prefixes().filter(|it| !kept.contains(*it)) {
            self.by_prefix.remove(prefix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{PreviousSecret, StoredSecret, testing};

    #[test]
    fn a_key_is_found_by_its_secret_and_by_no_other() {
        let (first, second) = (KeySecret::random().unwrap(), KeySecret::random().unwrap());
        let book = Book::new([testing::key(1, &first), testing::key(2, &second)]);
        assert_eq!(book.find(&first, 0).unwrap().id, KeyId(1));
        assert_eq!(book.find(&second, 0).unwrap().id, KeyId(2));
        let stranger = KeySecret::random().unwrap();
        assert_eq!(book.find(&stranger, 0).unwrap_err(), KeyFault::Unknown);
        // The same public part, another secret.
        let forged = format!("{}{}", first.prefix().as_str(), &stranger.reveal()[11..]);
        let forged = KeySecret::parse(&forged).expect("it looks like a key");
        assert_eq!(book.find(&forged, 0).unwrap_err(), KeyFault::Unknown);
        assert_eq!(book.next_id(), KeyId(3));
    }

    #[test]
    fn a_key_ends_at_its_time_and_a_revoked_one_at_once() {
        let secret = KeySecret::random().unwrap();
        let mut key = testing::key(1, &secret);
        key.terms.expires_at = Some(100);
        let book = Book::new([key.clone()]);
        assert!(book.find(&secret, 99).is_ok());
        assert_eq!(book.find(&secret, 100).unwrap_err(), KeyFault::Expired);
        key.revoked_at = Some(50);
        let book = book.with(key);
        assert_eq!(book.find(&secret, 99).unwrap_err(), KeyFault::Revoked);
    }

    #[test]
    fn a_secret_that_was_replaced_is_good_until_its_time_is_over() {
        let (old, new) = (KeySecret::random().unwrap(), KeySecret::random().unwrap());
        let book = Book::new([testing::key(1, &old)]);
        let mut key = testing::key(1, &new);
        key.previous = Some(PreviousSecret {
            secret: StoredSecret::from(&old),
            valid_until: 60,
        });
        let book = book.with(key);
        assert!(book.find(&new, 59).is_ok() && book.find(&old, 59).is_ok());
        assert!(book.find(&new, 60).is_ok());
        assert_eq!(book.find(&old, 60).unwrap_err(), KeyFault::Unknown);
        let without = book.with(testing::key(1, &new));
        assert_eq!(without.find(&old, 0).unwrap_err(), KeyFault::Unknown);
        assert!(!without.is_taken(&old.prefix()) && without.is_taken(&new.prefix()));
    }
}
