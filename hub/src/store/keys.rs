//! Keys as rows, and what was used with each on each day.

use std::{collections::HashMap, time::SystemTime};

use rusqlite::{Connection, Row, named_params, types::Type};
use serde::Serialize;

use super::records::{json, unix_milliseconds};
use crate::{
    clock::{day_of, today},
    dispatch::PromptOutcome,
    keys::{Digest, Key, KeyId, KeyPrefix, PreviousSecret, StoredSecret, Terms},
};

/// What was used with a key on one day of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DayOfUse {
    /// Days since 1970.
    pub day: u64,
    pub prompts: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

/// All keys, and what was used of the limits of the day that is now.
#[derive(Debug)]
pub struct StoredKeys {
    pub keys: Vec<Key>,
    pub used_today: Vec<(KeyId, DayOfUse)>,
}

/// What a key was used for, as far as rows tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyUse {
    /// Unix time in milliseconds.
    pub last_used_at_ms: Option<u64>,
    /// Since it was made; its `day` means nothing.
    pub total: DayOfUse,
    /// The oldest first; days without a prompt are left out.
    pub days: Vec<DayOfUse>,
}

pub(super) fn load(connection: &Connection) -> rusqlite::Result<StoredKeys> {
    let mut statement = connection.prepare(
        "SELECT id, prefix, digest, previous_prefix, previous_digest, previous_until_ms, terms,
                created_at_ms, revoked_at_ms
         FROM keys ORDER BY id",
    )?;
    let keys = statement.query_map([], key)?.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare(
        "SELECT key_id, day, prompts, prompt_tokens, completion_tokens FROM key_usage
         WHERE day = :today",
    )?;
    let today = named_params! { ":today": today() };
    let used = statement.query_map(today, |row| Ok((KeyId(row.get(0)?), day_of_use(row, 1)?)))?;
    Ok(StoredKeys {
        keys,
        used_today: used.collect::<Result<_, _>>()?,
    })
}

/// Writes a key that is new, or as it is now; call it inside a transaction.
pub(super) fn put(connection: &Connection, key: &Key) -> rusqlite::Result<()> {
    let previous = key.previous.as_ref();
    connection.execute(
        "INSERT INTO keys VALUES (:id, :prefix, :digest, :previous_prefix, :previous_digest,
                                  :previous_until, :terms, :created_at, :revoked_at, NULL)
         ON CONFLICT (id) DO UPDATE SET
             prefix = excluded.prefix, digest = excluded.digest,
             previous_prefix = excluded.previous_prefix,
             previous_digest = excluded.previous_digest,
             previous_until_ms = excluded.previous_until_ms,
             terms = excluded.terms, revoked_at_ms = excluded.revoked_at_ms",
        named_params! {
            ":id": key.id.0,
            ":prefix": key.secret.prefix.as_str(),
            ":digest": key.secret.digest.bytes(),
            ":previous_prefix": previous.map(|it| it.secret.prefix.as_str()),
            ":previous_digest": previous.map(|it| it.secret.digest.bytes()),
            ":previous_until": previous.map(|it| it.valid_until * 1000),
            ":terms": json(&key.terms)?,
            ":created_at": key.created_at * 1000,
            ":revoked_at": key.revoked_at.map(|at| at * 1000),
        },
    )?;
    Ok(())
}

/// Call it inside a transaction.
pub(super) fn note_use(
    connection: &Connection,
    key: KeyId,
    at: SystemTime,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE keys SET last_used_at_ms = max(coalesce(last_used_at_ms, 0), :at) WHERE id = :id",
    )?;
    statement.execute(named_params! { ":id": key.0, ":at": unix_milliseconds(at) })?;
    Ok(())
}

/// Counts a prompt for the key that it was sent with; call it inside a transaction.
pub(super) fn count(connection: &Connection, outcome: &PromptOutcome) -> rusqlite::Result<()> {
    let Some(key) = outcome.bill.client.key() else {
        return Ok(());
    };
    let ended_at = outcome.submitted_at + outcome.total;
    let mut statement = connection.prepare_cached(
        "INSERT INTO key_usage VALUES (:key, :day, :prompts, :prompt_tokens, :completion_tokens)
         ON CONFLICT (key_id, day) DO UPDATE SET
             prompts = prompts + excluded.prompts,
             prompt_tokens = prompt_tokens + excluded.prompt_tokens,
             completion_tokens = completion_tokens + excluded.completion_tokens",
    )?;
    statement.execute(named_params! {
        ":key": key.0,
        ":day": day_of(ended_at),
        ":prompts": u32::from(outcome.bill.is_request),
        ":prompt_tokens": outcome.usage.prompt_tokens,
        ":completion_tokens": outcome.usage.completion_tokens,
    })?;
    note_use(connection, key, ended_at)
}

/// Of all keys that were ever used, or of one: the time, the sum, and the days from `since` on.
pub(super) fn usage(
    connection: &Connection,
    of: Option<KeyId>,
    since: u64,
) -> rusqlite::Result<HashMap<KeyId, KeyUse>> {
    let of = of.map(|id| id.0);
    let mut uses = HashMap::<KeyId, KeyUse>::new();
    let mut statement = connection.prepare(
        "SELECT id, last_used_at_ms FROM keys
         WHERE last_used_at_ms IS NOT NULL AND (:of IS NULL OR id = :of)",
    )?;
    let mut rows = statement.query(named_params! { ":of": of })?;
    while let Some(row) = rows.next()? {
        uses.entry(KeyId(row.get(0)?)).or_default().last_used_at_ms = row.get(1)?;
    }
    let mut statement = connection.prepare(
        "SELECT key_id, 0, sum(prompts), sum(prompt_tokens), sum(completion_tokens)
         FROM (SELECT key_id, prompts, prompt_tokens, completion_tokens FROM key_usage
               UNION ALL SELECT * FROM key_totals)
         WHERE :of IS NULL OR key_id = :of GROUP BY key_id",
    )?;
    let mut rows = statement.query(named_params! { ":of": of })?;
    while let Some(row) = rows.next()? {
        uses.entry(KeyId(row.get(0)?)).or_default().total = day_of_use(row, 1)?;
    }
    let mut statement = connection.prepare(
        "SELECT key_id, day, prompts, prompt_tokens, completion_tokens FROM key_usage
         WHERE day >= :since AND (:of IS NULL OR key_id = :of) ORDER BY key_id, day",
    )?;
    let mut rows = statement.query(named_params! { ":since": since, ":of": of })?;
    while let Some(row) = rows.next()? {
        let days = &mut uses.entry(KeyId(row.get(0)?)).or_default().days;
        days.push(day_of_use(row, 1)?);
    }
    Ok(uses)
}

/// Adds at most `rows` of the days from before `oldest` up, and deletes them; call it inside a transaction.
pub(super) fn fold_old_days(
    connection: &Connection,
    oldest: SystemTime,
    rows: usize,
) -> rusqlite::Result<usize> {
    let old = "(key_id, day) IN (SELECT key_id, day FROM key_usage WHERE day < :oldest
                                 ORDER BY day, key_id LIMIT :rows)";
    let of = named_params! { ":oldest": day_of(oldest), ":rows": rows };
    let add = format!(
        "INSERT INTO key_totals
             SELECT key_id, sum(prompts), sum(prompt_tokens), sum(completion_tokens)
             FROM key_usage WHERE {old} GROUP BY key_id
         ON CONFLICT (key_id) DO UPDATE SET
             prompts = prompts + excluded.prompts,
             prompt_tokens = prompt_tokens + excluded.prompt_tokens,
             completion_tokens = completion_tokens + excluded.completion_tokens"
    );
    connection.prepare_cached(&add)?.execute(of)?;
    let delete = format!("DELETE FROM key_usage WHERE {old}");
    connection.prepare_cached(&delete)?.execute(of)
}

fn key(row: &Row<'_>) -> rusqlite::Result<Key> {
    let previous: Option<(String, [u8; 32], u64)> = match row.get(3)? {
        Some(prefix) => Some((prefix, row.get(4)?, row.get(5)?)),
        None => None,
    };
    let terms: String = row.get(6)?;
    let terms: Terms = serde_json::from_str(&terms).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(6, Type::Text, Box::new(error))
    })?;
    let seconds = |milliseconds: u64| milliseconds / 1000;
    Ok(Key {
        id: KeyId(row.get(0)?),
        secret: secret(row.get(1)?, row.get(2)?),
        previous: previous.map(|(prefix, digest, until)| PreviousSecret {
            secret: secret(prefix, digest),
            valid_until: seconds(until),
        }),
        terms,
        created_at: seconds(row.get(7)?),
        revoked_at: row.get::<_, Option<u64>>(8)?.map(seconds),
    })
}

fn secret(prefix: String, digest: [u8; 32]) -> StoredSecret {
    StoredSecret {
        prefix: KeyPrefix::stored(prefix),
        digest: Digest::stored(digest),
    }
}

fn day_of_use(row: &Row<'_>, first: usize) -> rusqlite::Result<DayOfUse> {
    Ok(DayOfUse {
        day: row.get(first)?,
        prompts: row.get(first + 1)?,
        prompt_tokens: row.get(first + 2)?,
        completion_tokens: row.get(first + 3)?,
    })
}
