//! What an operator does to keys, as a function from a book to a changed key. No clock, no disk.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Book, Key, KeyId, KeySecret, PreviousSecret, StoredSecret, Terms, secret::NoRandomness,
};

const LONGEST_NAME_CHARACTERS: usize = 64;
const LONGEST_MODEL_NAME_BYTES: usize = 256;
const MOST_MODELS: usize = 100;

#[derive(Debug)]
pub enum Order {
    Create(Terms),
    /// A JSON merge patch (RFC 7396) of the key's terms.
    Amend(KeyId, Value),
    Revoke(KeyId),
    /// The old secret stays good for so long.
    Rotate(KeyId, Duration),
}

/// A key as it is to be, the secret where there is a new one, and what to remember of the change.
#[derive(Debug)]
pub struct Edited {
    pub key: Key,
    pub secret: Option<KeySecret>,
    pub action: &'static str,
    pub details: Value,
}

#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("there is no key {}; GET /api/admin/keys lists them", .0.0)]
    NotFound(KeyId),
    #[error("the key {} is revoked and can't be changed any more; make a new one", .0.0)]
    Revoked(KeyId),
    #[error("{message}")]
    Invalid { field: String, message: String },
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl Book {
    pub fn edit(&self, order: Order, now: u64) -> Result<Edited, EditError> {
        match order {
            Order::Create(terms) => self.create(terms, now),
            Order::Amend(id, patch) => self.amend(id, &patch),
            Order::Revoke(id) => {
                let mut key = self.living(id)?;
                key.revoked_at = Some(now);
                key.previous = None;
                Ok(edited(key, None, "key.revoked", json!({})))
            }
            Order::Rotate(id, grace) => self.rotate(id, grace, now),
        }
    }

    fn create(&self, terms: Terms, now: u64) -> Result<Edited, EditError> {
        check(&terms)?;
        if terms.expires_at.is_some_and(|end| end <= now) {
            return Err(invalid("expires_at", "'expires_at' lies in the past"));
        }
        let secret = self.new_secret()?;
        let details = json!(terms);
        let key = Key {
            id: self.next_id(),
            secret: StoredSecret::from(&secret),
            previous: None,
            terms,
            created_at: now,
            revoked_at: None,
        };
        Ok(edited(key, Some(secret), "key.created", details))
    }

    fn amend(&self, id: KeyId, patch: &Value) -> Result<Edited, EditError> {
        let mut key = self.living(id)?;
        if !patch.is_object() {
            return Err(invalid(
                ".",
                "a patch must be a JSON object of fields to change",
            ));
        }
        let before = json!(key.terms);
        let mut after = before.clone();
        merge(&mut after, patch);
        key.terms = serde_path_to_error::deserialize(&after).map_err(|error| {
            let field = error.path().to_string();
            invalid(&field, format!("'{field}': {}", error.into_inner()))
        })?;
        check(&key.terms)?;
        let details = difference(&before, &json!(key.terms));
        Ok(edited(key, None, "key.changed", details))
    }

    fn rotate(&self, id: KeyId, grace: Duration, now: u64) -> Result<Edited, EditError> {
        let mut key = self.living(id)?;
        let secret = self.new_secret()?;
        let replaced = std::mem::replace(&mut key.secret, StoredSecret::from(&secret));
        let valid_until = now + grace.as_secs();
        key.previous = (!grace.is_zero()).then_some(PreviousSecret {
            secret: replaced,
            valid_until,
        });
        let details = json!({
            "prefix": key.secret.prefix.as_str(), "previous_valid_until": valid_until,
        });
        Ok(edited(key, Some(secret), "key.rotated", details))
    }

    /// One whose public part no other key has.
    fn new_secret(&self) -> Result<KeySecret, NoRandomness> {
        loop {
            let secret = KeySecret::random()?;
            if !self.is_taken(&secret.prefix()) {
                return Ok(secret);
            }
        }
    }

    fn living(&self, id: KeyId) -> Result<Key, EditError> {
        let key = self.get(id).ok_or(EditError::NotFound(id))?;
        match key.revoked_at {
            Some(_) => Err(EditError::Revoked(id)),
            None => Ok(Key::clone(key)),
        }
    }
}

fn edited(key: Key, secret: Option<KeySecret>, action: &'static str, details: Value) -> Edited {
    Edited {
        key,
        secret,
        action,
        details,
    }
}

fn check(terms: &Terms) -> Result<(), EditError> {
    check_name("name", &terms.name)?;
    if let Some(owner) = &terms.owner {
        check_name("owner", owner)?;
    }
    if terms.scopes.is_empty() {
        return Err(invalid(
            "scopes",
            "'scopes' must name at least one of api, node and admin",
        ));
    }
    let models = terms.models.iter().flatten();
    let bad_model = |model: &&String| model.is_empty() || model.len() > LONGEST_MODEL_NAME_BYTES;
    if models.clone().count() > MOST_MODELS || models.clone().any(|model| bad_model(&model)) {
        let message = format!("'models' must be at most {MOST_MODELS} names of models");
        return Err(invalid("models", message));
    }
    Ok(())
}

fn check_name(field: &str, name: &str) -> Result<(), EditError> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > LONGEST_NAME_CHARACTERS || name.contains(char::is_control)
    {
        let message =
            format!("'{field}' must be a line of 1 to {LONGEST_NAME_CHARACTERS} characters");
        return Err(invalid(field, message));
    }
    Ok(())
}

fn invalid(field: &str, message: impl Into<String>) -> EditError {
    EditError::Invalid {
        field: field.to_owned(),
        message: message.into(),
    }
}

/// RFC 7396: objects are merged, null removes, everything else replaces.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// `{"before": …, "after": …}` of the fields that differ.
fn difference(before: &Value, after: &Value) -> Value {
    let changed = |of: &Value, other: &Value| -> Map<String, Value> {
        let fields = of.as_object().into_iter().flatten();
        fields
            .filter(|(name, value)| other.get(name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    json!({ "before": changed(before, after), "after": changed(after, before) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Scope, testing};

    fn terms(fields: Value) -> Terms {
        serde_json::from_value(fields).expect("terms")
    }

    fn book_with_one() -> Book {
        Book::new([testing::key(1, &KeySecret::random().unwrap())])
    }

    fn refused(result: Result<Edited, EditError>) -> String {
        result.expect_err("it should be refused").to_string()
    }

    #[test]
    fn a_new_key_has_the_next_number_and_may_ask_unless_told_otherwise() {
        let order = Order::Create(terms(json!({"name": "Aino's laptop"})));
        let made = book_with_one().edit(order, 100).unwrap();
        assert_eq!((made.key.id, made.key.created_at), (KeyId(2), 100));
        assert_eq!(made.key.terms.scopes, [Scope::Api].into());
        let secret = made.secret.expect("it is shown once");
        let book = book_with_one().with(made.key);
        assert_eq!(book.find(&secret, 100).unwrap().id, KeyId(2));
        let remembered = made.details.to_string();
        assert!(!remembered.contains(secret.reveal()), "{remembered}");
    }

    #[test]
    fn terms_that_make_no_sense_are_refused_with_the_field() {
        let long = "x".repeat(65);
        for (fields, field) in [
            (json!({"name": " "}), "name"),
            (json!({"name": long}), "name"),
            (json!({"name": "a\nb"}), "name"),
            (json!({"name": "a", "owner": ""}), "owner"),
            (json!({"name": "a", "scopes": []}), "scopes"),
            (json!({"name": "a", "models": [""]}), "models"),
            (json!({"name": "a", "expires_at": 100}), "expires_at"),
        ] {
            match book_with_one().edit(Order::Create(terms(fields.clone())), 100) {
                Err(EditError::Invalid { field: named, .. }) => assert_eq!(named, field),
                other => panic!("{fields} gave {other:?}"),
            }
        }
    }

    #[test]
    fn a_patch_changes_what_it_names_and_null_takes_back() {
        let book = book_with_one();
        let patch =
            json!({"name": "new", "limits": {"requests_per_minute": 5, "tokens_per_day": 9}});
        let edited = book.edit(Order::Amend(KeyId(1), patch), 0).unwrap();
        assert_eq!(edited.key.terms.name, "new");
        assert_eq!(edited.key.terms.scopes, [Scope::Api, Scope::Node].into());
        let changed = edited.details.clone();
        assert_eq!(changed["before"]["name"], "key 1");
        assert_eq!(changed["after"]["limits"]["requests_per_minute"], 5);
        assert!(changed["after"].get("scopes").is_none());

        let book = book.with(edited.key);
        let patch = json!({"limits": {"requests_per_minute": null}});
        let limits = book
            .edit(Order::Amend(KeyId(1), patch), 0)
            .unwrap()
            .key
            .terms
            .limits;
        assert_eq!(
            (limits.requests_per_minute, limits.tokens_per_day),
            (None, Some(9))
        );

        for (patch, word) in [
            (json!({"nodes": "mine"}), "nodes"),
            (
                json!({"limits": {"requests_per_hour": 1}}),
                "requests_per_hour",
            ),
            (json!({"expires": 1}), "expires"),
            (json!({"name": null}), "name"),
            (json!([]), "JSON object"),
        ] {
            let message = refused(book.edit(Order::Amend(KeyId(1), patch), 0));
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn a_rotated_key_has_both_secrets_for_a_while() {
        let old = KeySecret::random().unwrap();
        let book = Book::new([testing::key(1, &old)]);
        let edited = book
            .edit(Order::Rotate(KeyId(1), Duration::from_secs(60)), 100)
            .unwrap();
        let new = edited.secret.expect("it is shown once");
        let rotated = book.with(edited.key);
        assert!(rotated.find(&old, 159).is_ok() && rotated.find(&new, 159).is_ok());
        assert!(rotated.find(&old, 160).is_err() && rotated.find(&new, 160).is_ok());
        let at_once = book.edit(Order::Rotate(KeyId(1), Duration::ZERO), 100);
        assert!(book.with(at_once.unwrap().key).find(&old, 100).is_err());
    }

    #[test]
    fn a_revoked_key_stays_in_the_book_and_out_of_reach() {
        let secret = KeySecret::random().unwrap();
        let book = Book::new([testing::key(1, &secret)]);
        let revoked = book.edit(Order::Revoke(KeyId(1)), 100).unwrap();
        let book = book.with(revoked.key);
        assert!(book.find(&secret, 100).is_err());
        assert_eq!(book.next_id(), KeyId(2));
        for order in [
            Order::Revoke(KeyId(1)),
            Order::Amend(KeyId(1), json!({"name": "x"})),
            Order::Rotate(KeyId(1), Duration::ZERO),
        ] {
            assert!(refused(book.edit(order, 100)).contains("revoked"));
        }
        assert!(refused(book.edit(Order::Revoke(KeyId(7)), 100)).contains("no key 7"));
    }
}
