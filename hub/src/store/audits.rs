//! What audits said of nodes, and who is suspended by that, as rows.

use std::time::SystemTime;

use rusqlite::{Connection, Row, named_params};
use serde::Serialize;

use super::records::unix_milliseconds;
use crate::dispatch::{AuditRecord, Identity, KnownAudits, Remembered, Subject, Verdict};

/// As many names as the hub keeps in mind.
const NAMES: u32 = 10_000;

/// A verdict as it is read back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredVerdict {
    /// Larger for later ones.
    pub id: u64,
    /// Unix time in milliseconds.
    pub at_ms: u64,
    pub identity: String,
    pub node_id: String,
    pub node_name: String,
    pub model: String,
    pub digest: String,
    pub runtime: String,
    pub auditor_id: String,
    pub sampled: String,
    pub tokens: u64,
    pub mean_margin: f64,
    pub threshold: f64,
    pub good: bool,
}

/// Who lost its good name, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSuspension {
    pub identity: String,
    /// Unix time in milliseconds.
    pub at_ms: u64,
    pub node_name: String,
    pub model: String,
}

/// Call it inside a transaction.
pub(super) fn write(connection: &Connection, audit: &AuditRecord) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO audits (at_ms, identity, node_id, node_name, model, digest, runtime, auditor_id,
                             sampled, tokens, mean_margin, threshold, good)
         VALUES (:at, :identity, :node_id, :node_name, :model, :digest, :runtime, :auditor_id,
                 :sampled, :tokens, :mean_margin, :threshold, :good)",
    )?;
    let (subject, verdict) = (&audit.subject, &audit.verdict);
    statement.execute(named_params! {
        ":at": unix_milliseconds(audit.at),
        ":identity": subject.identity.0,
        ":node_id": audit.node_id,
        ":node_name": audit.node_name,
        ":model": audit.model,
        ":digest": subject.digest,
        ":runtime": subject.runtime,
        ":auditor_id": audit.auditor_id,
        ":sampled": audit.sampled.as_str(),
        ":tokens": verdict.tokens,
        ":mean_margin": verdict.mean_margin,
        ":threshold": verdict.threshold,
        ":good": verdict.good,
    })?;
    write_standing(connection, audit)?;
    if verdict.good {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO suspensions VALUES (:identity, :at, :node_name, :model)
         ON CONFLICT (identity) DO NOTHING",
    )?;
    statement.execute(named_params! {
        ":identity": subject.identity.0,
        ":at": unix_milliseconds(audit.at),
        ":node_name": audit.node_name,
        ":model": audit.model,
    })?;
    Ok(())
}

fn write_standing(connection: &Connection, audit: &AuditRecord) -> rusqlite::Result<()> {
    let (subject, verdict) = (&audit.subject, &audit.verdict);
    let mut statement = connection.prepare_cached(
        "INSERT INTO audit_standings VALUES (:identity, :digest, :runtime, :good_verdicts, :at,
                                             :tokens, :mean_margin, :threshold, :good)
         ON CONFLICT (identity, digest, runtime) DO UPDATE SET
             good_verdicts = excluded.good_verdicts, at_ms = excluded.at_ms,
             tokens = excluded.tokens, mean_margin = excluded.mean_margin,
             threshold = excluded.threshold, good = excluded.good",
    )?;
    statement.execute(named_params! {
        ":identity": subject.identity.0,
        ":digest": subject.digest,
        ":runtime": subject.runtime,
        ":good_verdicts": audit.good_verdicts,
        ":at": unix_milliseconds(audit.at),
        ":tokens": verdict.tokens,
        ":mean_margin": verdict.mean_margin,
        ":threshold": verdict.threshold,
        ":good": verdict.good,
    })?;
    Ok(())
}

/// Call it inside a transaction.
pub(super) fn reinstate(connection: &Connection, identity: &Identity) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM suspensions WHERE identity = :identity",
        named_params! { ":identity": identity.0 },
    )?;
    Ok(())
}

/// At most `rows` of those that are from before `oldest`. Suspensions stay.
pub(super) fn delete_old(
    connection: &Connection,
    oldest: SystemTime,
    rows: usize,
) -> rusqlite::Result<usize> {
    let mut deleted = 0;
    for delete in [
        "DELETE FROM audits WHERE id IN (
             SELECT id FROM audits WHERE at_ms < :oldest ORDER BY at_ms LIMIT :rows)",
        "DELETE FROM audit_standings WHERE (identity, digest, runtime) IN (
             SELECT identity, digest, runtime FROM audit_standings WHERE at_ms < :oldest LIMIT :rows)",
    ] {
        let mut statement = connection.prepare_cached(delete)?;
        let oldest = unix_milliseconds(oldest);
        deleted += statement.execute(named_params! { ":oldest": oldest, ":rows": rows })?;
    }
    Ok(deleted)
}

pub(super) fn load(connection: &Connection) -> rusqlite::Result<KnownAudits> {
    let mut statement = connection.prepare(
        "SELECT * FROM (
             SELECT identity, digest, runtime, good_verdicts, tokens, mean_margin, threshold, good, at_ms
             FROM audit_standings ORDER BY at_ms DESC LIMIT :names)
         ORDER BY at_ms",
    )?;
    let standings = statement.query_map(named_params! { ":names": NAMES }, remembered)?;
    let standings = standings.collect::<Result<_, _>>()?;
    let mut suspended = suspensions(connection)?;
    suspended.reverse();
    let suspended = suspended.into_iter().map(|it| Identity(it.identity));
    Ok(KnownAudits {
        standings,
        suspended: suspended.collect(),
    })
}

/// The latest first.
pub(super) fn suspensions(connection: &Connection) -> rusqlite::Result<Vec<StoredSuspension>> {
    let mut statement = connection.prepare(
        "SELECT identity, at_ms, node_name, model FROM suspensions
         ORDER BY at_ms DESC LIMIT :names",
    )?;
    let rows = statement.query_map(named_params! { ":names": NAMES }, |row| {
        Ok(StoredSuspension {
            identity: row.get(0)?,
            at_ms: row.get(1)?,
            node_name: row.get(2)?,
            model: row.get(3)?,
        })
    })?;
    rows.collect()
}

/// At most `limit` verdicts with smaller ids than `before`, the latest first.
pub(super) fn verdicts(
    connection: &Connection,
    before: Option<u64>,
    limit: u32,
) -> rusqlite::Result<Vec<StoredVerdict>> {
    let mut statement = connection.prepare(
        "SELECT id, at_ms, identity, node_id, node_name, model, digest, runtime, auditor_id, sampled,
                tokens, mean_margin, threshold, good
         FROM audits WHERE :before IS NULL OR id < :before ORDER BY id DESC LIMIT :limit",
    )?;
    let page = named_params! { ":before": before, ":limit": limit };
    let rows = statement.query_map(page, |row| {
        Ok(StoredVerdict {
            id: row.get(0)?,
            at_ms: row.get(1)?,
            identity: row.get(2)?,
            node_id: row.get(3)?,
            node_name: row.get(4)?,
            model: row.get(5)?,
            digest: row.get(6)?,
            runtime: row.get(7)?,
            auditor_id: row.get(8)?,
            sampled: row.get(9)?,
            tokens: row.get(10)?,
            mean_margin: row.get(11)?,
            threshold: row.get(12)?,
            good: row.get(13)?,
        })
    })?;
    rows.collect()
}

fn remembered(row: &Row<'_>) -> rusqlite::Result<Remembered> {
    Ok(Remembered {
        subject: Subject {
            identity: Identity(row.get(0)?),
            digest: row.get(1)?,
            runtime: row.get(2)?,
        },
        good_verdicts: row.get(3)?,
        last: Verdict {
            tokens: row.get(4)?,
            mean_margin: row.get(5)?,
            threshold: row.get(6)?,
            good: row.get(7)?,
        },
    })
}
