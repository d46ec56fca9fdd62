//! Which models a key is for.

use scheduler::ModelNames;

/// Whether a key for these `allowed` names may ask for `name`. Each may be an id, an alias or a family. A
/// family is asked for only by a key that has all of it: who answers would otherwise decide.
pub(super) fn allows(allowed: &[String], name: &str, names: &ModelNames) -> bool {
    let id = names.canonical(name);
    let family = names.family_of(id);
    allowed.iter().any(|entry| {
        let is_same = names.canonical(entry) == id;
        let is_its_family = family == Some(entry.as_str())
            || !entry.contains(':') && id.split(':').next() == Some(entry);
        is_same || is_its_family
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::catalogue;

    #[test]
    fn a_key_is_for_its_models_by_whatever_name() {
        let names = ModelNames::new(&catalogue().unwrap());
        let allows = |entry: &str, name: &str| allows(&[entry.to_owned()], name, &names);
        for (entry, name) in [
            ("qwen2.5-coder:0.5b", "qwen2.5-coder:0.5b"),
            ("qwen-coder", "qwen2.5-coder:0.5b"),
            ("qwen-coder", "qwen2.5-coder:32b"),
            ("qwen-coder", "qwen-coder"),
            ("qwen2.5-coder", "qwen2.5-coder:7b"),
            ("my-own:latest", "my-own"),
            ("my-own", "my-own:latest"),
        ] {
            assert!(allows(entry, name), "{entry} for {name}");
        }
        for (entry, name) in [
            ("qwen2.5-coder:0.5b", "qwen2.5-coder:7b"),
            ("qwen2.5-coder:0.5b", "qwen-coder"),
            ("qwen2.5-coder:0.5b", "qwen2.5-coder"),
            ("qwen-coder", "smollm2:135m"),
            ("qwen", "qwen2.5-coder:0.5b"),
        ] {
            assert!(!allows(entry, name), "{entry} for {name}");
        }
    }
}
