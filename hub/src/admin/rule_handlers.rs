//! `/api/admin/node-rules`, and what makes rules: bans, drains and distrust that outlive a node's connection.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{
    Author, Operator, body,
    node_handlers::{NamedNode, here, subject},
    node_views::RuleView,
};
use crate::{
    clock::unix_seconds,
    dispatch::RosterEntry,
    error::ApiError,
    kept::{Edit, NotChanged},
    rules::{NodeRule, Rule, RuleError, RuleId, Rulebook, Whom},
    serve::WholeBody,
    state::Hub,
    store::StoredChange,
};

/// A close frame has no room for more.
const LONGEST_REASON_BYTES: usize = 80;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BanOrder {
    whom: BanWhom,
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BanWhom {
    #[default]
    Node,
    /// Everybody at its address.
    Address,
}

pub(super) async fn ban(
    operator: Operator,
    State(hub): State<Hub>,
    id: NamedNode,
    WholeBody(sent): WholeBody,
) -> Result<Json<Value>, ApiError> {
    let order: BanOrder = if sent.is_empty() {
        BanOrder::default()
    } else {
        body::read(&sent)?
    };
    let reason = order.reason.map(|reason| reason.trim().to_owned());
    let reason = reason.filter(|reason| !reason.is_empty());
    if reason.as_deref().is_some_and(|reason| !is_short(reason)) {
        let message = format!(
            "'reason' must be a line of at most {LONGEST_REASON_BYTES} bytes, of which letters like ä take two"
        );
        return Err(ApiError::invalid("reason", message));
    }
    let node = here(&hub, id).await?;
    let network = node.identity.network;
    let whom = match order.whom {
        BanWhom::Node => node.identity.whom(),
        BanWhom::Address => Whom::Network { network },
    };
    let subject = subject(&node);
    let wanted = whom.clone();
    let book = put(
        &hub,
        operator.author,
        subject,
        Rule::Ban,
        whom,
        reason,
        "node.banned",
    )
    .await?;
    let rule = book.find(Rule::Ban, &wanted);
    let rule = rule.ok_or_else(|| ApiError::internal("the ban was taken back at once"))?;
    Ok(Json(json!(RuleView::of(rule))))
}

pub(super) async fn list_rules(_operator: Operator, State(hub): State<Hub>) -> Json<Value> {
    let book = hub.decisions.rules.now().await;
    let rules: Vec<RuleView<'_>> = book.rules().iter().map(RuleView::of).collect();
    Json(json!({ "rules": rules }))
}

pub(super) async fn take_back(
    operator: Operator,
    State(hub): State<Hub>,
    id: Result<Path<u32>, PathRejection>,
) -> Result<Json<Value>, ApiError> {
    let Path(id) = id.map_err(|_| ApiError::invalid("id", "a rule's id is a whole number"))?;
    let id = RuleId(id);
    let (tell, told) = oneshot::channel();
    let change = move |book: &Rulebook| {
        let rule = book.get(id)?;
        // Nobody waits for it where whoever asked has left.
        let _ = tell.send(rule.clone());
        Ok::<_, RuleError>(Edit {
            value: book.without(id),
            stored: vec![StoredChange::RuleTakenBack(id)],
            action: "node_rule.taken_back",
            subject: format!("rule {}", id.0),
            details: details(rule),
        })
    };
    hub.decisions.rules.change(operator.author, change).await?;
    let rule = told.await;
    let rule = rule.map_err(|_| ApiError::internal("the rule went without a word"))?;
    Ok(Json(json!(RuleView::of(&rule))))
}

pub(super) async fn make(
    hub: &Hub,
    author: Author,
    node: &RosterEntry,
    rule: Rule,
    action: &'static str,
) -> Result<(), ApiError> {
    let whom = node.identity.whom();
    put(hub, author, subject(node), rule, whom, None, action).await?;
    Ok(())
}

/// Has the rule hold, for this reason where one is given; nothing is changed where it does.
async fn put(
    hub: &Hub,
    author: Author,
    subject: String,
    rule: Rule,
    whom: Whom,
    reason: Option<String>,
    action: &'static str,
) -> Result<Arc<Rulebook>, ApiError> {
    let change = move |book: &Rulebook| {
        let (book, made) = match book.find(rule, &whom) {
            Some(found) if reason.is_some() && reason != found.reason => {
                book.for_another_reason(found, reason)
            }
            Some(_) => return Err(RuleError::Holds),
            None => book.with(rule, whom, reason, unix_seconds())?,
        };
        Ok(Edit {
            value: book,
            action,
            subject,
            details: details(&made),
            stored: vec![StoredChange::Rule(made)],
        })
    };
    match hub.decisions.rules.change(author, change).await {
        Err(NotChanged::Refused(RuleError::Holds)) => Ok(hub.decisions.rules.shown()),
        changed => Ok(changed?),
    }
}

/// Takes the rule back, where there is one.
pub(super) async fn unmake(
    hub: &Hub,
    author: Author,
    node: &RosterEntry,
    rule: Rule,
    action: &'static str,
) -> Result<(), ApiError> {
    let (whom, subject) = (node.identity.whom(), subject(node));
    let change = move |book: &Rulebook| {
        let found = book.find(rule, &whom).ok_or(RuleError::Holds)?;
        Ok(Edit {
            value: book.without(found.id),
            stored: vec![StoredChange::RuleTakenBack(found.id)],
            action,
            subject,
            details: details(found),
        })
    };
    match hub.decisions.rules.change(author, change).await {
        Err(NotChanged::Refused(RuleError::Holds)) => Ok(()),
        changed => changed.map(drop).map_err(ApiError::from),
    }
}

fn details(rule: &NodeRule) -> Value {
    json!({ "rule": rule.rule, "whom": rule.whom, "reason": rule.reason })
}

fn is_short(reason: &str) -> bool {
    reason.len() <= LONGEST_REASON_BYTES && !reason.contains(char::is_control)
}

impl From<RuleError> for ApiError {
    fn from(error: RuleError) -> Self {
        let message = error.to_string();
        match error {
            RuleError::NotFound(_) => Self::NoSuchThing { message },
            RuleError::TooMany | RuleError::Holds => Self::invalid(".", message),
        }
    }
}

impl<E: Into<ApiError>> From<NotChanged<E>> for ApiError {
    fn from(error: NotChanged<E>) -> Self {
        match error {
            NotChanged::Refused(error) => error.into(),
            NotChanged::Store(error) => Self::database(&error),
        }
    }
}
