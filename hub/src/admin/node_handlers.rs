//! `/api/admin/nodes`: who computes here, and what operators decide about it.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Author, LogEntry, Operator,
    node_views::NodeView,
    rule_handlers::{make, unmake},
};
use crate::{dispatch::RosterEntry, error::ApiError, rules::Rule, state::Hub};

pub(super) type NamedNode = Result<Path<String>, PathRejection>;

/// The most nodes of one answer.
const LONGEST_PAGE: usize = 500;

#[derive(Debug, Deserialize)]
pub(super) struct Wishes {
    /// Nodes that joined after the one with this id.
    after: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn list(
    _operator: Operator,
    State(hub): State<Hub>,
    wishes: Result<Query<Wishes>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(Wishes { after, limit }) =
        wishes.map_err(|error| ApiError::invalid("limit", error.body_text()))?;
    let limit = limit.unwrap_or(LONGEST_PAGE);
    if !(1..=LONGEST_PAGE).contains(&limit) {
        let message = format!("'limit' must be from 1 to {LONGEST_PAGE}");
        return Err(ApiError::invalid("limit", message));
    }
    // Keys that can't be read leave nodes without the names of theirs.
    let book = hub.keys.book().await.ok();
    let roster = hub.dispatcher.roster(after, limit).await;
    let last = roster.nodes.last().filter(|_| !roster.is_last);
    let next_after = last.map(|node| &node.stats.id);
    let nodes = roster.nodes.iter();
    let nodes: Vec<NodeView<'_>> = nodes
        .map(|node| NodeView::of(node, book.as_deref()))
        .collect();
    Ok(Json(json!({
        "nodes": nodes, "count": roster.count, "next_after": next_after,
    })))
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

/// The node of this id, which must be connected.
pub(super) async fn here(hub: &Hub, id: NamedNode) -> Result<RosterEntry, ApiError> {
    let Path(id) = id.map_err(ApiError::from)?;
    let node = hub.dispatcher.node(id).await;
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

async fn trust_for_now(
    hub: &Hub,
    author: Author,
    node: &RosterEntry,
    trusted: bool,
    action: &'static str,
) -> Result<(), ApiError> {
    let details = json!({ "until": "it leaves" });
    let entry = LogEntry::now(author, action, subject(node), details);
    let (dispatcher, id) = (hub.dispatcher.clone(), node.stats.id.clone());
    let trust = async move { dispatcher.trust(id, trusted).await };
    // A node that has left meanwhile is told of by the answer.
    hub.admin.record_and_do(Vec::new(), entry, trust).await?;
    Ok(())
}

pub(super) fn subject(node: &RosterEntry) -> String {
    format!("{} ({})", node.stats.id, node.stats.name)
}
