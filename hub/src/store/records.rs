//! How each record becomes rows.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::NodeKind;
use rusqlite::{Connection, named_params};

use super::{audits, keys};
use crate::dispatch::{Ending, NodeSighting, PromptOutcome, Record};

/// Writes one record; call it inside a transaction.
pub(super) fn write(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    match record {
        Record::NodeJoined(sighting) => write_sighting(connection, sighting),
        Record::NodeLeft { node_id, left_at } => {
            let mut statement = connection.prepare_cached(
                "UPDATE nodes SET last_seen_ms = :left_at WHERE last_node_id = :node_id",
            )?;
            statement.execute(
                named_params! { ":node_id": node_id, ":left_at": unix_milliseconds(*left_at) },
            )?;
            Ok(())
        }
        Record::PromptEnded(outcome) => {
            write_outcome(connection, outcome)?;
            add_to_totals(connection, outcome)?;
            keys::count(connection, outcome)
        }
        Record::KeyUsed { key, at } => keys::note_use(connection, *key, *at),
        Record::Audited(audit) => audits::write(connection, audit),
    }
}

fn write_sighting(connection: &Connection, sighting: &NodeSighting) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO nodes VALUES (:kind, :name, :node_id, :trusted, :software, :device, :models,
                                   :slots, 1, :joined_at, :joined_at)
         ON CONFLICT (kind, name) DO UPDATE SET
             last_node_id = excluded.last_node_id, trusted = excluded.trusted,
             software = excluded.software, device = excluded.device, models = excluded.models,
             slots = excluded.slots, joins = joins + 1, last_seen_ms = excluded.last_seen_ms",
    )?;
    statement.execute(named_params! {
        ":kind": kind_name(sighting.kind),
        ":name": sighting.name,
        ":node_id": sighting.node_id,
        ":trusted": sighting.trusted,
        ":software": sighting.software,
        ":device": json(&sighting.device)?,
        ":models": json(&sighting.models)?,
        ":slots": sighting.slots,
        ":joined_at": unix_milliseconds(sighting.joined_at),
    })?;
    Ok(())
}

/// Counts at most `rows` of the nodes that left before `oldest`, and deletes them; call it inside a transaction. One
/// that never left in so long a time is among them: what is lost of it is when it was here first.
pub(super) fn forget_old_nodes(
    connection: &Connection,
    oldest: SystemTime,
    rows: usize,
) -> rusqlite::Result<usize> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM nodes WHERE (kind, name) IN (
             SELECT kind, name FROM nodes WHERE last_seen_ms < :oldest
             ORDER BY last_seen_ms LIMIT :rows)",
    )?;
    let deleted =
        statement.execute(named_params! { ":oldest": unix_milliseconds(oldest), ":rows": rows })?;
    let mut statement =
        connection.prepare_cached("UPDATE totals SET nodes_forgotten = nodes_forgotten + :more")?;
    statement.execute(named_params! { ":more": deleted })?;
    Ok(deleted)
}

/// At most `rows` of those that are from before `oldest`.
pub(super) fn delete_old_outcomes(
    connection: &Connection,
    oldest: SystemTime,
    rows: usize,
) -> rusqlite::Result<usize> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM prompts WHERE id IN (
             SELECT id FROM prompts WHERE submitted_at_ms < :oldest
             ORDER BY submitted_at_ms LIMIT :rows)",
    )?;
    statement.execute(named_params! { ":oldest": unix_milliseconds(oldest), ":rows": rows })
}

fn write_outcome(connection: &Connection, outcome: &PromptOutcome) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO prompts (task_id, requested_model, model, node_id, node_kind, node_name,
                              attempts, submitted_at_ms, queued_ms, first_token_ms, total_ms,
                              prompt_tokens, cached_tokens, completion_tokens, ending)
         VALUES (:task_id, :requested_model, :model, :node_id, :node_kind, :node_name,
                 :attempts, :submitted_at, :queued, :first_token, :total,
                 :prompt_tokens, :cached_tokens, :completion_tokens, :ending)",
    )?;
    let node = outcome.node.as_ref();
    statement.execute(named_params! {
        ":task_id": outcome.task_id.0,
        ":requested_model": outcome.requested_model,
        ":model": outcome.model,
        ":node_id": node.map(|node| &node.id),
        ":node_kind": node.map(|node| kind_name(node.kind)),
        ":node_name": node.map(|node| &node.name),
        ":attempts": outcome.attempts,
        ":submitted_at": unix_milliseconds(outcome.submitted_at),
        ":queued": milliseconds(outcome.queued),
        ":first_token": outcome.first_token.map(milliseconds),
        ":total": milliseconds(outcome.total),
        ":prompt_tokens": outcome.usage.prompt_tokens,
        ":cached_tokens": outcome.usage.cached_tokens,
        ":completion_tokens": outcome.usage.completion_tokens,
        ":ending": outcome.ending.as_str(),
    })?;
    Ok(())
}

fn add_to_totals(connection: &Connection, outcome: &PromptOutcome) -> rusqlite::Result<()> {
    // Somebody who went away has not been failed.
    let failed = !outcome.ending.is_success() && outcome.ending != Ending::Cancelled;
    let mut statement = connection.prepare_cached(
        "UPDATE totals SET prompts = prompts + 1, failed = failed + :failed,
                           prompt_tokens = prompt_tokens + :prompt_tokens,
                           completion_tokens = completion_tokens + :completion_tokens",
    )?;
    statement.execute(named_params! {
        ":failed": failed,
        ":prompt_tokens": outcome.usage.prompt_tokens,
        ":completion_tokens": outcome.usage.completion_tokens,
    })?;
    Ok(())
}

fn kind_name(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Browser => "browser",
        NodeKind::Native => "native",
    }
}

pub(super) fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// A clock before 1970 is a broken clock: it counts as 1970.
pub(super) fn unix_milliseconds(time: SystemTime) -> i64 {
    milliseconds(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
