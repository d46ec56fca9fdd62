//! The table of settings that can change: what each may be, and where it stands.

use std::{fmt, ops::RangeInclusive, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::Tuned;
use crate::{
    access::AccessPolicy,
    dispatch::{DispatchSettings, HedgeSettings},
    json::whole,
    nodes::NodeSettings,
};

pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What sets it at the start; None: nothing does.
    pub(crate) environment: Option<&'static str>,
    pub(crate) read: fn(&Tuned) -> Value,
    /// Of a value that its kind has read.
    pub(crate) write: fn(&mut Tuned, &Value),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Choice(&'static [&'static str]),
    /// A whole number.
    Count(RangeInclusive<u64>),
    /// Likewise, where 0 stands for no limit.
    Limit(RangeInclusive<u64>),
    Seconds(RangeInclusive<u64>),
    Switch,
}

const BROWSERS_PER_ADDRESS: &str = "browsers_per_address";

const A_DAY: u64 = 86_400;
const MANY: u64 = 1_000_000;
const LARGEST_LIMIT: u64 = u32::MAX as u64;

pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        name: "access",
        kind: Kind::Choice(&["open", "keys"]),
        environment: Some("ACCESS"),
        read: |tuned| match tuned.access.policy {
            AccessPolicy::Open => json!("open"),
            AccessPolicy::Keys => json!("keys"),
        },
        write: |tuned, value| {
            tuned.access.policy = if value == "keys" {
                AccessPolicy::Keys
            } else {
                AccessPolicy::Open
            };
        },
    },
    Setting {
        name: "anonymous_requests_per_minute",
        kind: Kind::Limit(0..=LARGEST_LIMIT),
        environment: Some("ANONYMOUS_REQUESTS_PER_MINUTE"),
        read: |tuned| {
            json!(
                tuned
                    .access
                    .anonymous
                    .requests_per_minute
                    .unwrap_or_default()
            )
        },
        write: |tuned, value| tuned.access.anonymous.requests_per_minute = limit(value),
    },
    Setting {
        name: "anonymous_tokens_per_minute",
        kind: Kind::Limit(0..=LARGEST_LIMIT),
        environment: Some("ANONYMOUS_TOKENS_PER_MINUTE"),
        read: |tuned| json!(tuned.access.anonymous.tokens_per_minute.unwrap_or_default()),
        write: |tuned, value| tuned.access.anonymous.tokens_per_minute = limit(value),
    },
    Setting {
        name: "anonymous_requests_per_day",
        kind: Kind::Limit(0..=LARGEST_LIMIT),
        environment: Some("ANONYMOUS_REQUESTS_PER_DAY"),
        read: |tuned| json!(tuned.access.anonymous.requests_per_day.unwrap_or_default()),
        write: |tuned, value| tuned.access.anonymous.requests_per_day = limit(value),
    },
    Setting {
        name: "anonymous_tokens_per_day",
        kind: Kind::Limit(0..=LARGEST_LIMIT),
        environment: Some("ANONYMOUS_TOKENS_PER_DAY"),
        read: |tuned| json!(tuned.access.anonymous.tokens_per_day.unwrap_or_default()),
        write: |tuned, value| tuned.access.anonymous.tokens_per_day = limit(value),
    },
    Setting {
        name: "guest_nodes",
        kind: Kind::Switch,
        environment: None,
        read: |tuned| json!(tuned.nodes.guests),
        write: |tuned, value| nodes(tuned).guests = is_on(value),
    },
    Setting {
        name: BROWSERS_PER_ADDRESS,
        kind: Kind::Count(0..=MANY),
        environment: Some("BROWSERS_PER_ADDRESS"),
        read: |tuned| json!(tuned.nodes.browsers_per_address),
        write: |tuned, value| nodes(tuned).browsers_per_address = size(value),
    },
    Setting {
        name: "queue_length",
        kind: Kind::Count(0..=MANY),
        environment: Some("QUEUE_LENGTH"),
        read: |tuned| json!(tuned.dispatch.queue_length),
        write: |tuned, value| tuned.dispatch.queue_length = size(value),
    },
    Setting {
        name: "queue_deadline_seconds",
        kind: Kind::Seconds(1..=A_DAY),
        environment: Some("QUEUE_DEADLINE_SECONDS"),
        read: |tuned| json!(tuned.dispatch.queue_deadline.as_secs()),
        write: |tuned, value| tuned.dispatch.queue_deadline = seconds(value),
    },
    Setting {
        name: "first_token_deadline_seconds",
        kind: Kind::Seconds(1..=A_DAY),
        environment: Some("FIRST_TOKEN_DEADLINE_SECONDS"),
        read: |tuned| json!(tuned.nodes.first_token_deadline.as_secs()),
        write: |tuned, value| nodes(tuned).first_token_deadline = seconds(value),
    },
    Setting {
        name: "token_deadline_seconds",
        kind: Kind::Seconds(1..=A_DAY),
        environment: Some("TOKEN_DEADLINE_SECONDS"),
        read: |tuned| json!(tuned.nodes.token_deadline.as_secs()),
        write: |tuned, value| nodes(tuned).token_deadline = seconds(value),
    },
    Setting {
        name: "hedge_after_seconds",
        kind: Kind::Seconds(0..=A_DAY),
        environment: Some("HEDGE_AFTER_SECONDS"),
        read: |tuned| {
            json!(
                tuned
                    .dispatch
                    .hedge
                    .map_or(0, |hedge| hedge.least.as_secs())
            )
        },
        write: |tuned, value| tuned.dispatch.hedge = hedge(seconds(value)),
    },
    Setting {
        name: "affinity",
        kind: Kind::Switch,
        environment: None,
        read: |tuned| json!(tuned.dispatch.affinity),
        write: |tuned, value| tuned.dispatch.affinity = is_on(value),
    },
    Setting {
        name: "resume",
        kind: Kind::Switch,
        environment: None,
        read: |tuned| json!(tuned.dispatch.resume),
        write: |tuned, value| tuned.dispatch.resume = is_on(value),
    },
];

impl Setting {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// What it may be on a hub that was started so.
    pub(crate) fn kind_on(&self, at_start: &Tuned) -> Kind {
        match &self.kind {
            Kind::Count(range) if self.name == BROWSERS_PER_ADDRESS => {
                Kind::Count(*range.start()..=at_start.connections_per_address as u64)
            }
            kind => kind.clone(),
        }
    }
}

impl Kind {
    /// The value in the one spelling that is stored; None where it is none of this kind.
    pub(crate) fn read(&self, value: &Value) -> Option<Value> {
        match self {
            Self::Choice(choices) => {
                let chosen = choices.iter().find(|choice| value == **choice);
                chosen.map(|choice| json!(choice))
            }
            Self::Count(range) | Self::Limit(range) | Self::Seconds(range) => {
                let number = whole(value).ok().flatten();
                let number = number.and_then(|number| u64::try_from(number).ok());
                number
                    .filter(|number| range.contains(number))
                    .map(|number| json!(number))
            }
            Self::Switch => value.as_bool().map(|on| json!(on)),
        }
    }
}

/// As in 'must be …'.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Choice(choices) => write!(f, "one of {}", choices.join(", ")),
            Self::Count(range) | Self::Limit(range) | Self::Seconds(range) => {
                let (least, most) = (range.start(), range.end());
                write!(f, "a whole number from {least} to {most}")
            }
            Self::Switch => f.write_str("true or false"),
        }
    }
}

fn nodes(tuned: &mut Tuned) -> &mut NodeSettings {
    Arc::make_mut(&mut tuned.nodes)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn size(value: &Value) -> usize {
    usize::try_from(number(value)).unwrap_or(usize::MAX)
}

/// 0 is none.
fn limit<N: TryFrom<u64>>(value: &Value) -> Option<N> {
    let limit = Some(number(value)).filter(|limit| *limit > 0)?;
    N::try_from(limit).ok()
}

fn seconds(value: &Value) -> Duration {
    Duration::from_secs(number(value))
}

fn is_on(value: &Value) -> bool {
    value.as_bool().unwrap_or_default()
}

/// At 0, never.
fn hedge(least: Duration) -> Option<HedgeSettings> {
    let usual = DispatchSettings::default().hedge?;
    (!least.is_zero()).then_some(HedgeSettings { least, ..usual })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, tuning::Settings};

    /// The environment's setting with this value, as a changeable one.
    fn from_environment(setting: &Setting, text: &str) -> Option<Value> {
        let config = Config::read(|name| match name {
            "HOME" => Some("/home/aino".into()),
            "CONNECTIONS_PER_ADDRESS" => Some("1000000".into()),
            _ => (Some(name) == setting.environment).then(|| text.into()),
        });
        Some((setting.read)(&Tuned::of(&config.ok()?)))
    }

    #[test]
    fn what_the_environment_may_set_an_operator_may_and_no_more() {
        for setting in SETTINGS.iter().filter(|it| it.environment.is_some()) {
            let values = match &setting.kind {
                Kind::Choice(choices) => choices.iter().map(|it| json!(it)).collect(),
                Kind::Count(range) | Kind::Limit(range) | Kind::Seconds(range) => {
                    let beyond = (range.end() + 1).to_string();
                    assert_eq!(from_environment(setting, &beyond), None, "{}", setting.name);
                    if let Some(below) = range.start().checked_sub(1) {
                        let below = below.to_string();
                        assert_eq!(from_environment(setting, &below), None, "{}", setting.name);
                    }
                    vec![json!(range.start()), json!(range.end())]
                }
                Kind::Switch => panic!("{}: no switch is in the environment", setting.name),
            };
            for value in values {
                let text = value.as_str().map_or(value.to_string(), str::to_owned);
                let read = from_environment(setting, &text);
                assert_eq!(read.as_ref(), Some(&value), "{}", setting.name);
            }
        }
    }

    #[test]
    fn the_document_of_the_api_says_the_same() {
        let document: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
        let patch = &document["components"]["schemas"]["SettingPatch"]["properties"];
        let mut documented: Vec<&String> = patch.as_object().unwrap().keys().collect();
        for setting in SETTINGS {
            let schema = &patch[setting.name];
            match &setting.kind {
                Kind::Choice(choices) => {
                    let mut values = json!(choices);
                    values.as_array_mut().unwrap().push(Value::Null);
                    assert_eq!(schema["enum"], values, "{}", setting.name);
                }
                Kind::Count(range) | Kind::Limit(range) | Kind::Seconds(range) => {
                    let bounds = (&schema["minimum"], &schema["maximum"]);
                    let expected = (json!(range.start()), json!(range.end()));
                    assert_eq!(bounds, (&expected.0, &expected.1), "{}", setting.name);
                }
                Kind::Switch => assert_eq!(schema["type"][0], "boolean", "{}", setting.name),
            }
            documented.retain(|name| *name != setting.name);
        }
        assert!(documented.is_empty(), "{documented:?}");
    }

    #[test]
    fn what_is_written_is_read_back_and_changes_nothing_else() {
        for setting in SETTINGS {
            let values = match &setting.kind {
                Kind::Choice(choices) => choices.iter().map(|it| json!(it)).collect(),
                Kind::Count(range) | Kind::Limit(range) | Kind::Seconds(range) => {
                    vec![json!(range.start()), json!(5), json!(range.end())]
                }
                Kind::Switch => vec![json!(false), json!(true)],
            };
            for value in values {
                let at_start = Tuned {
                    connections_per_address: MANY as usize,
                    ..Tuned::default()
                };
                let usual = Settings::new(at_start, Vec::new());
                let patch = [(setting.name.to_owned(), value.clone())]
                    .into_iter()
                    .collect();
                let changed = usual.changed(&patch).unwrap();
                assert_eq!((setting.read)(&changed.tuned), value, "{}", setting.name);
                for other in SETTINGS.iter().filter(|other| other.name != setting.name) {
                    let (now, before) = ((other.read)(&changed.tuned), (other.read)(&usual.tuned));
                    assert_eq!(now, before, "{} by {}", other.name, setting.name);
                }
            }
        }
    }
}
