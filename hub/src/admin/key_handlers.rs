//! `/api/admin/keys`: made, listed, changed, rotated and revoked.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Operator, body, key_views::KeyView};
use crate::{
    clock::today,
    error::ApiError,
    json::count,
    keys::{ChangeError, Changed, EditError, KeyId, Order},
    serve::WholeBody,
    state::Hub,
};

/// Days that a single key's usage is told for.
const DAYS_SHOWN: u64 = 90;

const USUAL_GRACE: Duration = Duration::from_secs(24 * 60 * 60);
const LONGEST_GRACE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rotation {
    /// How long the old secret stays good.
    #[serde(deserialize_with = "count")]
    grace_seconds: Option<u64>,
}

type NamedKey = Result<Path<u32>, PathRejection>;

pub(super) async fn list(
    _operator: Operator,
    State(hub): State<Hub>,
) -> Result<Response, ApiError> {
    let book = hub.keys.book().await;
    let book = book.map_err(|error| ApiError::keys_unreadable(&error))?;
    let used = hub.store.key_usage(None, today()).await;
    let used = used.map_err(|error| ApiError::database(&error))?;
    let nothing = Default::default();
    let views: Vec<KeyView<'_>> = book
        .keys()
        .map(|key| KeyView::of(key).with_use(used.get(&key.id).unwrap_or(&nothing), false))
        .collect();
    Ok(Json(json!({ "keys": views })).into_response())
}

pub(super) async fn show(
    _operator: Operator,
    State(hub): State<Hub>,
    id: NamedKey,
) -> Result<Response, ApiError> {
    let id = named(id)?;
    let book = hub.keys.book().await;
    let book = book.map_err(|error| ApiError::keys_unreadable(&error))?;
    let key = book.get(id).ok_or(EditError::NotFound(id))?;
    let since = today().saturating_sub(DAYS_SHOWN);
    let used = hub.store.key_usage(Some(id), since).await;
    let mut used = used.map_err(|error| ApiError::database(&error))?;
    let used = used.remove(&id).unwrap_or_default();
    Ok(Json(KeyView::of(key).with_use(&used, true)).into_response())
}

pub(super) async fn create(
    operator: Operator,
    State(hub): State<Hub>,
    WholeBody(sent): WholeBody,
) -> Result<Response, ApiError> {
    let order = Order::Create(body::read(&sent)?);
    let made = change(&hub, order, operator).await?;
    Ok((StatusCode::CREATED, made).into_response())
}

pub(super) async fn amend(
    operator: Operator,
    State(hub): State<Hub>,
    id: NamedKey,
    WholeBody(sent): WholeBody,
) -> Result<Response, ApiError> {
    let patch: Value = body::read(&sent)?;
    change(&hub, Order::Amend(named(id)?, patch), operator).await
}

pub(super) async fn revoke(
    operator: Operator,
    State(hub): State<Hub>,
    id: NamedKey,
) -> Result<Response, ApiError> {
    change(&hub, Order::Revoke(named(id)?), operator).await
}

pub(super) async fn rotate(
    operator: Operator,
    State(hub): State<Hub>,
    id: NamedKey,
    WholeBody(sent): WholeBody,
) -> Result<Response, ApiError> {
    let rotation = if sent.is_empty() {
        Rotation::default()
    } else {
        body::read(&sent)?
    };
    let grace = rotation
        .grace_seconds
        .map_or(USUAL_GRACE, Duration::from_secs);
    if grace > LONGEST_GRACE {
        let message = format!(
            "'grace_seconds' must be at most {}",
            LONGEST_GRACE.as_secs()
        );
        return Err(ApiError::invalid("grace_seconds", message));
    }
    change(&hub, Order::Rotate(named(id)?, grace), operator).await
}

async fn change(hub: &Hub, order: Order, operator: Operator) -> Result<Response, ApiError> {
    let Changed { key, secret } = hub.keys.change(order, operator.author).await?;
    let view = KeyView::of(&key);
    let view = match &secret {
        Some(secret) => view.with_secret(secret.reveal()),
        None => view,
    };
    Ok(Json(view).into_response())
}

fn named(id: NamedKey) -> Result<KeyId, ApiError> {
    id.map(|Path(id)| KeyId(id))
        .map_err(|_| ApiError::invalid("id", "a key's id is a whole number"))
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Edit(error) => error.into(),
            ChangeError::Store(error) => Self::database(&error),
        }
    }
}

impl From<EditError> for ApiError {
    fn from(error: EditError) -> Self {
        let message = error.to_string();
        match error {
            EditError::NotFound(_) => Self::NoSuchThing { message },
            EditError::Revoked(_) => Self::Conflict {
                message,
                code: "key_revoked",
            },
            EditError::Invalid { field, message } => Self::invalid(field, message),
            EditError::NoRandomness(_) => Self::internal(message),
        }
    }
}
