//! `kipina-hub restore PATH`: a backup in the database's place, while no hub runs on it.

use std::path::{Path, PathBuf};

use super::{back_up::not_copied, check::unusable};
use crate::{
    clock::unix_seconds,
    config::Config,
    handover,
    language::Text,
    store::{self, RestoreError},
};

pub fn restore(config: &Config, backup: &Path) -> Result<Text, Text> {
    let database = &config.database_path;
    if handover::is_running(database) {
        let path = database.display();
        return Err(Text::new(
            format!("Tietokannalla {path} käy keskus: pysäytä se ensin"),
            format!("A hub runs on the database {path}: stop it first"),
        ));
    }
    let kept = kept_as(database);
    let was_there = database.is_file();
    let prompts = store::restore(backup, database, &kept).map_err(|error| failed(&error))?;
    let (path, kept) = (database.display(), kept.display());
    Ok(if was_there {
        Text::new(
            format!("{path} on palautettu ({prompts} kehotetta); se mitä siinä oli on nyt {kept}"),
            format!("{path} is restored ({prompts} prompts); what it held before is {kept} now"),
        )
    } else {
        Text::new(
            format!("{path} on palautettu ({prompts} kehotetta)"),
            format!("{path} is restored ({prompts} prompts)"),
        )
    })
}

fn kept_as(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!(".before-{}", unix_seconds()));
    name.into()
}

fn failed(error: &RestoreError) -> Text {
    match error {
        RestoreError::Unusable { path, error } => unusable(&path.display().to_string(), error),
        RestoreError::Copy(error) => not_copied(error),
        RestoreError::File { path, error } => {
            let path = path.display();
            Text::new(
                format!("{path}: ei voi kirjoittaa ({error}); tarkista hakemisto ja levytila"),
                format!(
                    "{path}: can't be written ({error}); check the directory and the disk's space"
                ),
            )
        }
    }
}
