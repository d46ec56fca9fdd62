//! What holds: the settings at the start, and what operators set instead.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use super::{SETTINGS, Setting};
use crate::{
    access::AccessSettings, config::Config, dispatch::DispatchSettings, nodes::NodeSettings,
};

/// The part of the hub's settings that can change while it runs.
#[derive(Clone, Debug)]
pub struct Tuned {
    pub access: AccessSettings,
    pub dispatch: DispatchSettings,
    pub nodes: Arc<NodeSettings>,
    /// Nobody changes it: a browser's place among those of its address is a connection as well.
    pub connections_per_address: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) at_start: Tuned,
    /// What operators set, by the names of the table.
    pub(crate) set: BTreeMap<&'static str, Value>,
    /// All together.
    pub(crate) tuned: Tuned,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingError {
    #[error("'{0}' is no setting; GET /api/admin/settings lists them")]
    Unknown(String),
    #[error("'{name}' must be {expected}, or null for what holds at the start")]
    Invalid {
        name: &'static str,
        expected: String,
    },
}

impl Tuned {
    pub fn of(config: &Config) -> Self {
        Self {
            access: config.access,
            dispatch: config.dispatch.clone(),
            nodes: Arc::new(config.nodes.clone()),
            connections_per_address: config.connections_per_address,
        }
    }
}

/// What holds where neither the environment nor an operator says anything.
impl Default for Tuned {
    fn default() -> Self {
        Self {
            access: AccessSettings::default(),
            dispatch: DispatchSettings::default(),
            nodes: Arc::default(),
            connections_per_address: 64,
        }
    }
}

impl Settings {
    /// `stored` may be of a newer or an older hub: what makes no sense to this one is left out.
    pub(crate) fn new(at_start: Tuned, stored: Vec<(String, Value)>) -> Self {
        let mut settings = Self {
            tuned: at_start.clone(),
            at_start,
            set: BTreeMap::new(),
        };
        for (name, value) in stored {
            let one = Map::from_iter([(name, value)]);
            match settings.changed(&one) {
                Ok(changed) => settings = changed,
                Err(error) => tracing::warn!("a setting of the database is left out: {error}"),
            }
        }
        settings
    }

    /// After a patch; null takes a setting back. All of it makes sense, or nothing is changed.
    pub(crate) fn changed(&self, patch: &Map<String, Value>) -> Result<Self, SettingError> {
        let mut set = self.set.clone();
        for (name, value) in patch {
            let setting =
                Setting::named(name).ok_or_else(|| SettingError::Unknown(name.clone()))?;
            if value.is_null() {
                set.remove(setting.name);
            } else {
                let kind = setting.kind_on(&self.at_start);
                let value = kind.read(value);
                let value = value.ok_or_else(|| SettingError::Invalid {
                    name: setting.name,
                    expected: kind.to_string(),
                })?;
                set.insert(setting.name, value);
            }
        }
        let mut tuned = self.at_start.clone();
        for setting in SETTINGS {
            if let Some(value) = set.get(setting.name) {
                (setting.write)(&mut tuned, value);
            }
        }
        Ok(Self {
            at_start: self.at_start.clone(),
            set,
            tuned,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::access::AccessPolicy;

    fn settings() -> Settings {
        Settings::new(Tuned::default(), Vec::new())
    }

    fn patch(patch: &Value) -> Map<String, Value> {
        patch.as_object().unwrap().clone()
    }

    #[test]
    fn what_is_set_holds_until_it_is_taken_back() {
        let change = json!({"access": "keys", "queue_deadline_seconds": 7, "affinity": false});
        let changed = settings().changed(&patch(&change)).unwrap();
        let Tuned {
            access, dispatch, ..
        } = &changed.tuned;
        assert_eq!(access.policy, AccessPolicy::Keys);
        assert_eq!(dispatch.queue_deadline, Duration::from_secs(7));
        assert!(!dispatch.affinity);

        let back = changed.changed(&patch(&json!({"access": null}))).unwrap();
        assert_eq!(back.tuned.access.policy, AccessPolicy::Open);
        assert_eq!(back.tuned.dispatch.queue_deadline, Duration::from_secs(7));
    }

    #[test]
    fn a_patch_is_taken_as_a_whole_or_not_at_all() {
        for (wrong, name) in [
            (
                json!({"queue_length": 1, "queue_lenght": 2}),
                "queue_lenght",
            ),
            (json!({"queue_length": 1, "access": "closed"}), "access"),
            (json!({"queue_length": -1}), "queue_length"),
            (json!({"queue_length": 1.5}), "queue_length"),
            (json!({"queue_length": "1"}), "queue_length"),
            (
                json!({"queue_deadline_seconds": 0}),
                "queue_deadline_seconds",
            ),
            (json!({"affinity": 1}), "affinity"),
        ] {
            let error = settings().changed(&patch(&wrong)).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn no_more_browsers_are_let_in_than_their_address_has_connections() {
        let at_start = Tuned {
            connections_per_address: 10,
            ..Tuned::default()
        };
        let settings = Settings::new(at_start, Vec::new());
        let browsers = |count: u64| patch(&json!({"browsers_per_address": count}));
        assert!(settings.changed(&browsers(10)).is_ok());
        let error = settings.changed(&browsers(11)).unwrap_err().to_string();
        assert!(error.contains("from 0 to 10"), "{error}");
    }

    #[test]
    fn what_another_hub_left_in_the_database_does_no_harm() {
        let stored = [
            ("a_setting_of_tomorrow", json!(1)),
            ("queue_length", json!("many")),
            ("token_deadline_seconds", json!(9)),
        ];
        let stored = stored
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec();
        let settings = Settings::new(Tuned::default(), stored);
        assert_eq!(settings.set.len(), 1);
        assert_eq!(settings.tuned.nodes.token_deadline, Duration::from_secs(9));
    }
}
