//! `kipina-hub backup PATH`: a copy of the database, also while a hub runs on it.

use std::path::Path;

use crate::{
    config::Config,
    language::Text,
    store::{self, BackupError},
};

pub fn back_up(config: &Config, target: &Path) -> Result<Text, Text> {
    let made = store::back_up(&config.database_path, target).map_err(|error| not_copied(&error))?;
    let (path, prompts) = (target.display(), made.prompts);
    let megabytes = made.bytes as f64 / 1e6;
    Ok(Text::new(
        format!(
            "Varmuuskopio on valmis ja tarkistettu: {path} ({prompts} kehotetta, {megabytes:.1} Mt)"
        ),
        format!("The backup is made and checked: {path} ({prompts} prompts, {megabytes:.1} MB)"),
    ))
}

pub(super) fn not_copied(error: &BackupError) -> Text {
    match error {
        BackupError::NoDatabase { path } => {
            let path = path.display();
            Text::new(
                format!(
                    "Tietokantaa {path} ei ole: tarkista polku, tai anna DATABASE_PATH niin kuin keskukselle"
                ),
                format!(
                    "There is no database {path}: check the path, or set DATABASE_PATH as for the hub"
                ),
            )
        }
        BackupError::Exists { path } => {
            let path = path.display();
            Text::new(
                format!("{path} on jo olemassa: anna toinen nimi, vanhan päälle ei kirjoiteta"),
                format!("{path} is there already: give another name, nothing is written over"),
            )
        }
        BackupError::File { path, error } => {
            let path = path.display();
            Text::new(
                format!("{path}: ei voi kirjoittaa ({error}); tarkista hakemisto ja levytila"),
                format!(
                    "{path}: can't be written ({error}); check the directory and the disk's space"
                ),
            )
        }
        BackupError::Sqlite { path, error } => {
            let path = path.display();
            Text::new(
                format!("{path}: kopiointi ei onnistunut ({error}); tarkista levytila ja oikeudet"),
                format!(
                    "{path}: can't be copied ({error}); check the disk's space and who may read it"
                ),
            )
        }
        BackupError::Damaged { path, found } => {
            let path = path.display();
            Text::new(
                format!(
                    "{path}: kopio ei ole eheä ({found}); palauta tietokanta aiemmasta varmuuskopiosta"
                ),
                format!(
                    "{path}: the copy is not whole ({found}); restore the database from an earlier backup"
                ),
            )
        }
    }
}
