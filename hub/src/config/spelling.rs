//! Names in the environment that look like a setting with a slip of the pen in it.

use std::collections::BTreeSet;

use crate::language::Text;

/// Shorter names are near too many others.
const SHORTEST: usize = 6;

/// What people put in front of a setting, though the hub's have no prefix.
const PREFIXES: [&str; 3] = ["KIPINA_HUB_", "KIPINA_", "HUB_"];

/// One sentence for each suspicious name.
pub(super) fn suspicious<'a>(
    names: impl Iterator<Item = &'a str>,
    settings: &BTreeSet<String>,
) -> Vec<Text> {
    names
        .filter(|name| !settings.contains(*name))
        .filter_map(|name| Some((name, meant(name, settings)?)))
        .map(|(name, meant)| {
            Text::new(
                format!("Huomio: {name} ei ole asetus; tarkoititko {meant}?"),
                format!("Note: {name} is no setting; did you mean {meant}?"),
            )
        })
        .collect()
}

fn meant<'a>(name: &str, settings: &'a BTreeSet<String>) -> Option<&'a str> {
    let bare = PREFIXES
        .iter()
        .find_map(|prefix| settings.get(name.strip_prefix(prefix)?));
    bare.or_else(|| settings.iter().find(|setting| is_slip_of(name, setting)))
        .map(String::as_str)
}

/// A letter too many, too few, wrong or in the wrong place; two in a long name.
fn is_slip_of(name: &str, setting: &str) -> bool {
    if name.len() < SHORTEST || setting.len() < SHORTEST {
        return false;
    }
    let most = if setting.len() < 10 { 1 } else { 2 };
    strsim::osa_distance(name, setting) <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_noticed_and_strangers_are_not() {
        let settings: BTreeSet<String> = ["PORT", "DATABASE_PATH", "MODELS_DIR", "NODE_API_KEY"]
            .map(str::to_owned)
            .into();
        let table = [
            ("DATABSE_PATH", Some("DATABASE_PATH")),
            ("DATABASE_PAHT", Some("DATABASE_PATH")),
            ("MODEL_DIR", Some("MODELS_DIR")),
            ("NODE_APIKEY", Some("NODE_API_KEY")),
            ("KIPINA_PORT", Some("PORT")),
            ("HUB_DATABASE_PATH", Some("DATABASE_PATH")),
            ("DATABASE_PATH", None),
            ("PORTS", None),
            ("SPORT", None),
            ("DATABASE_URL", None),
            ("MODELS_TOML", None),
            ("KIPINA_MODEL", None),
        ];
        for (name, expected) in table {
            let found = suspicious([name].into_iter(), &settings);
            let expected: Vec<String> = expected
                .iter()
                .map(|meant| format!("Note: {name} is no setting; did you mean {meant}?"))
                .collect();
            let found: Vec<String> = found.into_iter().map(|text| text.english).collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}
