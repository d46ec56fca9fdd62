//! `/api/admin/nodes` and `/api/admin/node-rules`: who computes here, and what operators decide about it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Author, Operator, body,
    node_views::{NodeView, RuleView},
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
const LONGEST_REASON_CHARACTERS: usize = 80;

type NamedNode = Result<Path<String>, PathRejection>;

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

pub(super) async fn list(_operator: Operator, State(hub): State<Hub>) -> Json<Value> {
    // Keys that can't be read leave nodes without the names of theirs.
    let book = hub.keys.book().await.ok();
    let roster = hub.dispatcher.roster().await;
    let nodes: Vec<NodeView<'_>> = roster
        .iter()
        .map(|node| NodeView::of(node, book.as_deref()))
        .collect();
    Json(json!({ "nodes": nodes }))
}

pub(super) async fn drain(
    operator: Operator,
    State(hub): State<Hub>,
    id: NamedNode,
) -> Result<Json<Value>, ApiError> {
    let node = here(&hub, id).await?;
    make(&hub, operator.author, &node, Rule::Drain, "node.drained").await?;
    show(&hub, &node).await
}

pub(super) async fn end_drain(
    operator: Operator,
    State(hub): State<Hub>,
    id: NamedNode,
) -> Result<Json<Value>, ApiError> {
    let node = here(&hub, id).await?;
    let action = "node.drain_ended";
    unmake(&hub, operator.author, &node, Rule::Drain, action).await?;
    show(&hub, &node).await
}

pub(super) async fn trust(
    operator: Operator,
    State(hub): State<Hub>,
    id: NamedNode,
) -> Result<Json<Value>, ApiError> {
    let node = here(&hub, id).await?;
    let (author, action) = (operator.author, "node.trusted");
    unmake(&hub, author.clone(), &node, Rule::Distrust, action).await?;
    if !node.has_key && !node.stats.trusted {
        trust_for_now(&hub, author, &node, true, action).await?;
    }
    show(&hub, &node).await
}

pub(super) async fn distrust(
    operator: Operator,
    State(hub): State<Hub>,
    id: NamedNode,
) -> Result<Json<Value>, ApiError> {
    let node = here(&hub, id).await?;
    let (author, action) = (operator.author, "node.distrusted");
    if node.has_key {
        make(&hub, author, &node, Rule::Distrust, action).await?;
    } else if node.stats.trusted {
        trust_for_now(&hub, author, &node, false, action).await?;
    }
    show(&hub, &node).await
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
        let message =
            format!("'reason' must be a line of at most {LONGEST_REASON_CHARACTERS} characters");
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
    let rule = hub.decisions.rules.now().await.get(id)?.clone();
    let change = move |book: &Rulebook| {
        let rule = book.get(id)?;
        Ok::<_, RuleError>(Edit {
            value: book.without(id),
            stored: vec![StoredChange::RuleTakenBack(id)],
            action: "node_rule.taken_back",
            subject: format!("rule {}", id.0),
            details: details(rule),
        })
    };
    hub.decisions.rules.change(operator.author, change).await?;
    Ok(Json(json!(RuleView::of(&rule))))
}

/// The node of this id, which must be connected.
async fn here(hub: &Hub, id: NamedNode) -> Result<RosterEntry, ApiError> {
    let Path(id) = id.map_err(ApiError::from)?;
    let roster = hub.dispatcher.roster().await;
    let node = roster.into_iter().find(|node| node.stats.id == id);
    node.ok_or_else(|| ApiError::NoSuchThing {
        message: "no node of this id is connected; GET /api/admin/nodes lists them".to_owned(),
    })
}

/// The node as it is by now.
async fn show(hub: &Hub, node: &RosterEntry) -> Result<Json<Value>, ApiError> {
    let book = hub.keys.book().await.ok();
    let node = here(hub, Ok(Path(node.stats.id.clone()))).await?;
    Ok(Json(json!(NodeView::of(&node, book.as_deref()))))
}

async fn make(
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

/// Has the rule hold; nothing is changed where it does.
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
        if book.find(rule, &whom).is_some() {
            return Err(RuleError::Holds);
        }
        let (book, made) = book.with(rule, whom, reason, unix_seconds())?;
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
async fn unmake(
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

async fn trust_for_now(
    hub: &Hub,
    author: Author,
    node: &RosterEntry,
    trusted: bool,
    action: &'static str,
) -> Result<(), ApiError> {
    let details = json!({ "until": "it leaves" });
    let recorded = hub.admin.record(author, action, subject(node), details);
    recorded.await.map_err(|error| ApiError::database(&error))?;
    // A node that has left meanwhile is told of by the answer.
    hub.dispatcher.trust(node.stats.id.clone(), trusted).await;
    Ok(())
}

fn subject(node: &RosterEntry) -> String {
    format!("{} ({})", node.stats.id, node.stats.name)
}

fn details(rule: &NodeRule) -> Value {
    json!({ "rule": rule.rule, "whom": rule.whom, "reason": rule.reason })
}

fn is_short(reason: &str) -> bool {
    reason.chars().count() <= LONGEST_REASON_CHARACTERS && !reason.contains(char::is_control)
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
