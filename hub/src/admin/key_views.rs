//! Keys as operators see them: everything but the secrets.

use serde::Serialize;

use crate::{
    clock::{today, unix_seconds},
    keys::{Book, Key, KeyFault, KeyId, Terms},
    store::{DayOfUse, KeyUse},
};

/// A key in the view of something else.
#[derive(Debug, Serialize)]
pub(super) struct KeyName<'a> {
    id: KeyId,
    /// Null where the keys can't be read.
    name: Option<&'a str>,
    owner: Option<&'a str>,
}

impl<'a> KeyName<'a> {
    pub(super) fn of(id: KeyId, book: Option<&'a Book>) -> Self {
        let terms = book.and_then(|book| Some(&book.get(id)?.terms));
        Self {
            id,
            name: terms.map(|terms| terms.name.as_str()),
            owner: terms.and_then(|terms| terms.owner.as_deref()),
        }
    }
}

/// A key, with the secret where it was just made.
#[derive(Debug, Serialize)]
pub(super) struct KeyView<'a> {
    id: KeyId,
    /// Its first characters, by which a person knows it again.
    prefix: &'a str,
    #[serde(flatten)]
    terms: &'a Terms,
    status: Status,
    created_at: u64,
    revoked_at: Option<u64>,
    last_used_at: Option<u64>,
    previous: Option<PreviousView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    Expired,
    Revoked,
}

/// The secret that a rotation replaced, while it is still good.
#[derive(Debug, Serialize)]
struct PreviousView<'a> {
    prefix: &'a str,
    valid_until: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct UsageView<'a> {
    today: Sum,
    total: Sum,
    /// Only where one key is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<&'a [DayOfUse]>,
}

#[derive(Debug, Default, Serialize)]
struct Sum {
    prompts: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
}

impl<'a> KeyView<'a> {
    pub(super) fn of(key: &'a Key) -> Self {
        let now = unix_seconds();
        Self {
            id: key.id,
            prefix: key.secret.prefix.as_str(),
            terms: &key.terms,
            status: match key.check(now) {
                Ok(()) => Status::Active,
                Err(KeyFault::Expired) => Status::Expired,
                Err(KeyFault::Revoked | KeyFault::Unknown) => Status::Revoked,
            },
            created_at: key.created_at,
            revoked_at: key.revoked_at,
            last_used_at: None,
            previous: key.previous_at(now).map(|it| PreviousView {
                prefix: it.secret.prefix.as_str(),
                valid_until: it.valid_until,
            }),
            usage: None,
            secret: None,
        }
    }

    pub(super) fn with_use(self, used: &'a KeyUse, shows_days: bool) -> Self {
        let today = used.days.iter().find(|day| day.day == today());
        Self {
            last_used_at: used.last_used_at_ms.map(|at| at / 1000),
            usage: Some(UsageView {
                today: today.map(Sum::from).unwrap_or_default(),
                total: Sum::from(&used.total),
                days: shows_days.then_some(used.days.as_slice()),
            }),
            ..self
        }
    }

    pub(super) fn with_secret(self, secret: &'a str) -> Self {
        Self {
            secret: Some(secret),
            ..self
        }
    }
}

impl From<&DayOfUse> for Sum {
    fn from(day: &DayOfUse) -> Self {
        Self {
            prompts: day.prompts,
            prompt_tokens: day.prompt_tokens,
            completion_tokens: day.completion_tokens,
        }
    }
}
