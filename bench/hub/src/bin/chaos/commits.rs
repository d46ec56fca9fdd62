//! What the hub's database holds: committed is what another connection can read there.

use std::{collections::HashMap, path::Path};

use rusqlite::{Connection, OpenFlags};

#[derive(Debug)]
pub(crate) struct Committed {
    /// How often each task's outcome stands there.
    pub(crate) outcomes: HashMap<String, usize>,
    pub(crate) is_whole: bool,
    /// Whether the totals are those of the rows.
    pub(crate) totals_agree: bool,
}

pub(crate) fn read(folder: &Path) -> anyhow::Result<Committed> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(folder.join("hub.sqlite"), flags)?;
    let mut outcomes = HashMap::new();
    let mut statement = connection.prepare("SELECT task_id FROM prompts")?;
    for task in statement.query_map([], |row| row.get::<_, String>(0))? {
        *outcomes.entry(task?).or_default() += 1;
    }
    let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    let totals: usize = connection.query_row("SELECT prompts FROM totals", [], |row| row.get(0))?;
    Ok(Committed {
        totals_agree: totals == outcomes.values().sum::<usize>(),
        outcomes,
        is_whole: whole == "ok",
    })
}
