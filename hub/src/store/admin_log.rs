//! What operators did, as rows.

use std::time::SystemTime;

use rusqlite::{Connection, named_params, types::Type};
use serde::de::DeserializeOwned;

use super::records::{json, unix_milliseconds};
use crate::admin::{LogEntry, LoggedEntry};

/// Call it inside a transaction.
pub(super) fn write(connection: &Connection, entry: &LogEntry) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO admin_log (at_ms, who, address, action, subject, details)
         VALUES (:at, :who, :address, :action, :subject, :details)",
        named_params! {
            ":at": unix_milliseconds(entry.at),
            ":who": json(&entry.author.who)?,
            ":address": entry.author.address.to_string(),
            ":action": entry.action,
            ":subject": entry.subject,
            ":details": json(&entry.details)?,
        },
    )?;
    Ok(())
}

/// At most `limit` entries with smaller ids than `before`, the latest first.
pub(super) fn page(
    connection: &Connection,
    before: Option<u64>,
    limit: u32,
) -> rusqlite::Result<Vec<LoggedEntry>> {
    let mut statement = connection.prepare(
        "SELECT id, at_ms, who, address, action, subject, details FROM admin_log
         WHERE :before IS NULL OR id < :before ORDER BY id DESC LIMIT :limit",
    )?;
    let entries = statement.query_map(
        named_params! { ":before": before, ":limit": limit },
        |row| {
            Ok(LoggedEntry {
                id: row.get(0)?,
                at_ms: row.get(1)?,
                who: parsed(&row.get::<_, String>(2)?, 2)?,
                address: row.get(3)?,
                action: row.get(4)?,
                subject: row.get(5)?,
                details: parsed(&row.get::<_, String>(6)?, 6)?,
            })
        },
    )?;
    entries.collect()
}

/// At most `rows` of those that are from before `oldest`.
pub(super) fn delete_old(
    connection: &Connection,
    oldest: SystemTime,
    rows: usize,
) -> rusqlite::Result<usize> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM admin_log WHERE id IN (
             SELECT id FROM admin_log WHERE at_ms < :oldest ORDER BY at_ms LIMIT :rows)",
    )?;
    statement.execute(named_params! { ":oldest": unix_milliseconds(oldest), ":rows": rows })
}

pub(super) fn parsed<T: DeserializeOwned>(text: &str, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}
