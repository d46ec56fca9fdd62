//! Who may join: the checks on a node's first frame.

use std::sync::Arc;

use protocol::{
    Device, Hello, NodeKind, NodeMessage, NodeModel, OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION,
};
use subtle::ConstantTimeEq;

use super::NodeSettings;
use super::violation::{Closing, Violation};
use crate::dispatch::Introduction;
use crate::keys::{Key, KeySecret, Scope};

/// More models than anybody has: a longer list is a fault or an attack.
const MOST_MODELS: usize = 1000;

/// The most prompts that one node is ever given at once.
const MOST_SLOTS: u32 = 256;

/// Names are shown in lists.
const NAME_CHARACTERS: usize = 64;

/// Facts about the device and the software.
const FACT_CHARACTERS: usize = 128;

/// Model ids are compared with what requests ask for: they are refused rather than cut.
const MODEL_ID_BYTES: usize = 256;

/// A node that may join, and the key that it did so with, if one of the hub's book.
pub(super) struct Admitted {
    pub(super) introduction: Introduction,
    pub(super) key: Option<Arc<Key>>,
}

/// Checks a node's first frame. What it says of itself comes out fit to be shown to others.
/// `find` looks a key up in the hub's book.
pub(super) fn admit(
    frame: &str,
    settings: &NodeSettings,
    find: impl Fn(&KeySecret) -> Result<Arc<Key>, Closing>,
) -> Result<Admitted, Closing> {
    let message = serde_json::from_str(frame).map_err(Violation::from)?;
    let NodeMessage::Hello(hello) = message else {
        return Err(Violation::Hello("the first frame must be a hello").into());
    };
    if !(OLDEST_PROTOCOL_VERSION..=PROTOCOL_VERSION).contains(&hello.protocol_version) {
        return Err(Closing::UnsupportedVersion {
            oldest: OLDEST_PROTOCOL_VERSION,
            newest: PROTOCOL_VERSION,
            found: hello.protocol_version,
        });
    }
    let key = book_key(&hello, settings, find)?;
    let trusted = key.is_some() || check_key(&hello, settings.key.as_deref())?;
    let name = clean(&hello.name, NAME_CHARACTERS);
    let introduction = Introduction {
        name: if name.is_empty() {
            "nameless".to_owned()
        } else {
            name
        },
        kind: hello.kind,
        trusted,
        software: clean(&hello.software, FACT_CHARACTERS),
        models: check_models(hello.models)?,
        slots: limit_slots(hello.slots),
        device: clean_device(hello.device),
        owner: hello.owner,
        only_own: hello.only_own,
        paused: hello.paused,
    };
    Ok(Admitted { introduction, key })
}

/// The key of the book that the node joins with; none where it has no such key.
fn book_key(
    hello: &Hello,
    settings: &NodeSettings,
    find: impl Fn(&KeySecret) -> Result<Arc<Key>, Closing>,
) -> Result<Option<Arc<Key>>, Closing> {
    // The setting comes first: an operator may have chosen a key that looks like one of these.
    let given = hello
        .key
        .as_deref()
        .filter(|key| settings.key.as_deref() != Some(key));
    let Some(secret) = given.and_then(KeySecret::parse) else {
        return Ok(None);
    };
    let key = find(&secret)?;
    if !key.terms.allow(Scope::Node) {
        return Err(Closing::Unauthorised(
            "the key is not for nodes; ask the hub's operator for one with the scope node",
        ));
    }
    Ok(Some(key))
}

/// Whether the node is trusted; an error where it may not join.
fn check_key(hello: &Hello, expected: Option<&str>) -> Result<bool, Closing> {
    match (expected, hello.key.as_deref()) {
        (None, _) => Ok(false),
        // In constant time: how long the refusal takes must not tell how much was right.
        (Some(expected), Some(key)) if bool::from(expected.as_bytes().ct_eq(key.as_bytes())) => {
            Ok(true)
        }
        (Some(_), Some(_)) => Err(Closing::Unauthorised(
            "the key is wrong; check NODE_API_KEY",
        )),
        (Some(_), None) if hello.kind == NodeKind::Browser => Ok(false),
        (Some(_), None) => Err(Closing::Unauthorised(
            "this hub wants a key; set NODE_API_KEY",
        )),
    }
}

/// Also for the models of a later `node_status`.
pub(super) fn check_models(mut models: Vec<NodeModel>) -> Result<Vec<NodeModel>, Violation> {
    if models.len() > MOST_MODELS {
        return Err(Violation::Hello("more models than a node may have"));
    }
    let bad_id =
        |id: &str| id.is_empty() || id.len() > MODEL_ID_BYTES || id.contains(char::is_control);
    if models.iter().any(|model| bad_id(&model.id)) {
        return Err(Violation::Hello("a model without a proper id"));
    }
    let mut seen = std::collections::HashSet::new();
    models.retain(|model| seen.insert(model.id.clone()));
    for model in &mut models {
        model.runtime = clean(&model.runtime, FACT_CHARACTERS);
    }
    Ok(models)
}

pub(super) fn limit_slots(slots: u32) -> u32 {
    slots.min(MOST_SLOTS)
}

fn clean_device(mut device: Device) -> Device {
    for fact in [&mut device.cpu, &mut device.webgpu].into_iter().flatten() {
        *fact = clean(fact, FACT_CHARACTERS);
    }
    if let Some(gpu) = &mut device.gpu {
        gpu.name = clean(&gpu.name, FACT_CHARACTERS);
    }
    device
}

/// One line, without control characters, of at most so many characters.
pub(super) fn clean(text: &str, characters: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(characters)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::keys::{KeyFault, testing};

    /// At a hub whose book has no keys.
    fn admit(frame: &str, settings: &NodeSettings) -> Result<Introduction, Closing> {
        let admitted = super::admit(frame, settings, |_| Err(KeyFault::Unknown.into()))?;
        Ok(admitted.introduction)
    }

    fn hello(changes: &Value) -> String {
        let mut hello = json!({
            "type": "hello", "protocol_version": PROTOCOL_VERSION, "kind": "native", "name": "n",
        });
        for (field, value) in changes.as_object().expect("an object") {
            hello[field] = value.clone();
        }
        hello.to_string()
    }

    fn with_key(key: &str) -> NodeSettings {
        NodeSettings {
            key: Some(key.to_owned()),
            ..NodeSettings::default()
        }
    }

    #[test]
    fn the_right_key_makes_a_node_trusted() {
        let admitted = admit(&hello(&json!({"key": "secret"})), &with_key("secret"));
        assert!(admitted.expect("the key is right").trusted);
    }

    #[test]
    fn a_wrong_key_is_refused_from_any_node() {
        for kind in ["native", "browser"] {
            let refused = admit(
                &hello(&json!({"kind": kind, "key": "guess"})),
                &with_key("secret"),
            );
            assert!(
                matches!(refused, Err(Closing::Unauthorised(_))),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn without_a_key_only_browsers_join_a_hub_that_has_one() {
        let native = admit(&hello(&json!({})), &with_key("secret"));
        assert!(
            matches!(native, Err(Closing::Unauthorised(_))),
            "{native:?}"
        );
        let browser = admit(&hello(&json!({"kind": "browser"})), &with_key("secret"));
        assert!(!browser.expect("browsers need no key").trusted);
    }

    #[test]
    fn a_hub_without_a_key_takes_everyone_and_trusts_nobody() {
        for changes in [json!({}), json!({"key": "whatever"})] {
            let admitted = admit(&hello(&changes), &NodeSettings::default());
            assert!(!admitted.expect("everyone may join").trusted);
        }
    }

    #[test]
    fn other_versions_are_told_what_the_hub_speaks() {
        let refused = admit(
            &hello(&json!({"protocol_version": 99})),
            &NodeSettings::default(),
        );
        let closing = refused.expect_err("version 99 is not spoken");
        let frame = closing.close_frame().expect("the node is told");
        assert_eq!(frame.code, protocol::close_code::UNSUPPORTED_VERSION);
        assert!(frame.reason.contains("not 99"), "{}", frame.reason);
    }

    #[test]
    fn what_a_node_says_of_itself_is_fit_to_be_shown() {
        let changes = json!({
            "name": format!("  evil\u{0007}\nname{}", "x".repeat(1000)),
            "slots": 1_000_000,
            "device": {"cpu": "c".repeat(100_000)},
            "models": [{"id": "m", "context_length": 1}, {"id": "m", "context_length": 2}],
        });
        let admitted = admit(&hello(&changes), &NodeSettings::default()).expect("it may join");
        assert!(admitted.name.starts_with("evilnamex") && admitted.name.len() <= NAME_CHARACTERS);
        assert_eq!(admitted.slots, MOST_SLOTS);
        assert_eq!(
            admitted.device.cpu.map(|cpu| cpu.len()),
            Some(FACT_CHARACTERS)
        );
        assert_eq!(admitted.models.len(), 1);
    }

    #[test]
    fn a_model_without_a_proper_id_is_refused() {
        for id in ["", "a\nb", &"x".repeat(MODEL_ID_BYTES + 1)] {
            let changes = json!({"models": [{"id": id, "context_length": 1}]});
            let refused = admit(&hello(&changes), &NodeSettings::default());
            assert!(matches!(refused, Err(Closing::Violation(_))), "{refused:?}");
        }
    }

    #[test]
    fn a_key_of_the_book_makes_a_node_trusted_where_it_is_for_nodes() {
        let secret = KeySecret::random().expect("randomness");
        let frame = hello(&json!({"key": secret.reveal()}));
        let with = |scopes: &[Scope], settings: &NodeSettings| {
            let mut key = testing::key(7, &secret);
            key.terms.scopes = scopes.iter().copied().collect();
            super::admit(&frame, settings, |_| Ok(Arc::new(key.clone())))
        };
        for settings in [NodeSettings::default(), with_key("another")] {
            let admitted = with(&[Scope::Node], &settings).expect("it may join");
            assert!(admitted.introduction.trusted);
            assert_eq!(admitted.key.map(|key| key.id.0), Some(7));
        }
        let refused = with(&[Scope::Api, Scope::Admin], &NodeSettings::default());
        assert!(matches!(refused, Err(Closing::Unauthorised(_))));
        for fault in [KeyFault::Unknown, KeyFault::Revoked, KeyFault::Expired] {
            let refused = super::admit(&frame, &NodeSettings::default(), |_| Err(fault.into()));
            assert!(
                matches!(refused, Err(Closing::Unauthorised(_))),
                "{fault:?}"
            );
        }
        // The one of the settings may look like one of the book.
        let known = super::admit(&frame, &with_key(secret.reveal()), |_| {
            Err(KeyFault::Unknown.into())
        });
        assert!(known.is_ok_and(|admitted| admitted.introduction.trusted));
    }
}
