//! What operators decided, as rows: rules about nodes, and settings.

use rusqlite::{Connection, Row, named_params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{admin_log::parsed, records::json};
use crate::rules::{NodeRule, RuleId};

/// All rules about nodes, and the latest number that was given to any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredRules {
    pub(crate) rules: Vec<NodeRule>,
    pub(crate) last: RuleId,
}

/// Settings by their names.
pub(crate) type StoredSettings = Vec<(String, Value)>;

/// A row that this hub can't read, as another hub may have left it, is left out.
pub(super) fn rules(connection: &Connection) -> rusqlite::Result<StoredRules> {
    let mut statement = connection
        .prepare("SELECT id, rule, whom, reason, made_at_ms FROM node_rules ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut rules = Vec::new();
    while let Some(row) = rows.next()? {
        match rule(row) {
            Ok(rule) => rules.push(rule),
            Err(error) => tracing::warn!("a rule of the database is left out: {error}"),
        }
    }
    let last = connection.query_row(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'node_rules'",
        [],
        |row| Ok(RuleId(row.get(0)?)),
    )?;
    Ok(StoredRules { rules, last })
}

fn rule(row: &Row<'_>) -> rusqlite::Result<NodeRule> {
    Ok(NodeRule {
        id: RuleId(row.get(0)?),
        rule: parsed(&row.get::<_, String>(1)?, 1)?,
        whom: parsed(&row.get::<_, String>(2)?, 2)?,
        reason: row.get(3)?,
        made_at: row.get::<_, u64>(4)? / 1000,
    })
}

/// Call it inside a transaction, like all that follow.
pub(super) fn put_rule(connection: &Connection, rule: &NodeRule) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO node_rules VALUES (:id, :rule, :whom, :reason, :made_at)
         ON CONFLICT (id) DO UPDATE SET reason = excluded.reason",
        named_params! {
            ":id": rule.id.0,
            ":rule": json(&rule.rule)?,
            ":whom": json(&rule.whom)?,
            ":reason": rule.reason,
            ":made_at": rule.made_at * 1000,
        },
    )?;
    Ok(())
}

pub(super) fn delete_rule(connection: &Connection, id: RuleId) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM node_rules WHERE id = :id",
        named_params! { ":id": id.0 },
    )?;
    Ok(())
}

/// Likewise.
pub(super) fn settings(connection: &Connection) -> rusqlite::Result<StoredSettings> {
    let mut statement = connection.prepare("SELECT name, value FROM settings ORDER BY name")?;
    let mut rows = statement.query([])?;
    let mut settings = Vec::new();
    while let Some(row) = rows.next()? {
        match parsed(&row.get::<_, String>(1)?, 1) {
            Ok(value) => settings.push((row.get(0)?, value)),
            Err(error) => tracing::warn!("a setting of the database is left out: {error}"),
        }
    }
    Ok(settings)
}

pub(super) fn put_setting(
    connection: &Connection,
    name: &str,
    value: Option<&Value>,
) -> rusqlite::Result<()> {
    match value {
        Some(value) => connection.execute(
            "INSERT INTO settings VALUES (:name, :value)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            named_params! { ":name": name, ":value": json(value)? },
        )?,
        None => connection.execute(
            "DELETE FROM settings WHERE name = :name",
            named_params! { ":name": name },
        )?,
    };
    Ok(())
}
