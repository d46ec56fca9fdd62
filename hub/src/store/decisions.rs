//! What operators decided, as rows: rules about nodes, and settings.

use rusqlite::{Connection, named_params};
use serde_json::Value;

use super::{admin_log::parsed, records::json};
use crate::rules::{NodeRule, RuleId};

pub(super) fn rules(connection: &Connection) -> rusqlite::Result<Vec<NodeRule>> {
    let mut statement = connection
        .prepare("SELECT id, rule, whom, reason, made_at_ms FROM node_rules ORDER BY id")?;
    let rules = statement.query_map([], |row| {
        Ok(NodeRule {
            id: RuleId(row.get(0)?),
            rule: parsed(&row.get::<_, String>(1)?, 1)?,
            whom: parsed(&row.get::<_, String>(2)?, 2)?,
            reason: row.get(3)?,
            made_at: row.get::<_, u64>(4)? / 1000,
        })
    })?;
    rules.collect()
}

/// Call it inside a transaction, like all that follow.
pub(super) fn put_rule(connection: &Connection, rule: &NodeRule) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO node_rules VALUES (:id, :rule, :whom, :reason, :made_at)",
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

pub(super) fn settings(connection: &Connection) -> rusqlite::Result<Vec<(String, Value)>> {
    let mut statement = connection.prepare("SELECT name, value FROM settings ORDER BY name")?;
    let settings = statement.query_map([], |row| {
        Ok((row.get(0)?, parsed(&row.get::<_, String>(1)?, 1)?))
    })?;
    settings.collect()
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
