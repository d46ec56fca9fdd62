//! `/api/admin/settings`: what can be changed while the hub runs.

use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Operator, body};
use crate::{
    error::ApiError,
    kept::{Edit, NotChanged},
    serve::WholeBody,
    state::Hub,
    store::StoredChange,
    tuning::{Kind, SETTINGS, Setting, SettingError, Settings, Tuned},
};

#[derive(Debug, Serialize)]
struct SettingView {
    name: &'static str,
    #[serde(flatten)]
    kind: KindView,
    /// What sets it at the start; null: nothing does.
    environment: Option<&'static str>,
    /// Where nobody says anything.
    default: Value,
    /// As the hub was started.
    at_start: Value,
    /// What holds now.
    value: Value,
    /// Whether an operator set it, and not the start.
    is_set: bool,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum KindView {
    Choice { choices: &'static [&'static str] },
    Count { least: u64, most: u64 },
    Limit { least: u64, most: u64 },
    Seconds { least: u64, most: u64 },
    Switch,
}

pub(super) async fn list(_operator: Operator, State(hub): State<Hub>) -> Json<Value> {
    Json(all(&*hub.decisions.settings.now().await))
}

pub(super) async fn change(
    operator: Operator,
    State(hub): State<Hub>,
    WholeBody(sent): WholeBody,
) -> Result<Json<Value>, ApiError> {
    let patch: Map<String, Value> = body::read(&sent)?;
    let change = move |before: &Settings| {
        let after = before.changed(&patch).map_err(NoChange::Wrong)?;
        let differs =
            |setting: &&Setting| before.set.get(setting.name) != after.set.get(setting.name);
        let changed: Vec<&Setting> = SETTINGS.iter().filter(differs).collect();
        if changed.is_empty() {
            return Err(NoChange::Same);
        }
        let values = |settings: &Settings| {
            let value = |it: &&Setting| (it.name.to_owned(), (it.read)(&settings.tuned));
            changed.iter().map(value).collect::<Map<_, _>>()
        };
        let names: Vec<&str> = changed.iter().map(|setting| setting.name).collect();
        Ok(Edit {
            stored: changed
                .iter()
                .map(|setting| StoredChange::Setting {
                    name: setting.name,
                    value: after.set.get(setting.name).cloned(),
                })
                .collect(),
            action: "settings.changed",
            subject: names.join(", "),
            details: json!({ "before": values(before), "after": values(&after) }),
            value: after,
        })
    };
    let settings = match hub.decisions.settings.change(operator.author, change).await {
        Err(NotChanged::Refused(NoChange::Same)) => hub.decisions.settings.shown(),
        Err(NotChanged::Refused(NoChange::Wrong(error))) => return Err(error.into()),
        Err(NotChanged::Store(error)) => return Err(ApiError::database(&error)),
        Ok(settings) => settings,
    };
    Ok(Json(all(&settings)))
}

enum NoChange {
    Wrong(SettingError),
    /// It is so already.
    Same,
}

fn all(settings: &Settings) -> Value {
    let usual = Tuned::default();
    let view = |setting: &Setting| SettingView {
        name: setting.name,
        kind: KindView::of(&setting.kind_on(&settings.at_start)),
        environment: setting.environment,
        default: (setting.read)(&usual),
        at_start: (setting.read)(&settings.at_start),
        value: (setting.read)(&settings.tuned),
        is_set: settings.set.contains_key(setting.name),
    };
    let views: Vec<SettingView> = SETTINGS.iter().map(view).collect();
    json!({ "settings": views })
}

impl KindView {
    fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Choice(choices) => Self::Choice { choices },
            Kind::Count(range) => Self::Count {
                least: *range.start(),
                most: *range.end(),
            },
            Kind::Limit(range) => Self::Limit {
                least: *range.start(),
                most: *range.end(),
            },
            Kind::Seconds(range) => Self::Seconds {
                least: *range.start(),
                most: *range.end(),
            },
            Kind::Switch => Self::Switch,
        }
    }
}

impl From<SettingError> for ApiError {
    fn from(error: SettingError) -> Self {
        let name = match &error {
            SettingError::Unknown(name) => name.clone(),
            SettingError::Invalid { name, .. } => (*name).to_owned(),
        };
        Self::invalid(name, error.to_string())
    }
}
