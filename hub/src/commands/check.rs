//! `kipina-hub check`: whether the hub would start with these settings.

use std::net::SocketAddr;

use crate::{
    config::Config,
    language::Text,
    models,
    store::{self, InspectError},
};

/// The settings themselves have been read without a mistake by now.
pub fn check(config: &Config) -> Result<Text, Text> {
    models::catalogue().map_err(|error| {
        Text::new(
            format!("Malliluettelo on rikki ({error}): rakenna ohjelma uudelleen"),
            format!("The catalogue of models is broken ({error}): build the program anew"),
        )
    })?;
    let path = &config.database_path;
    store::inspect(path)
        .map_err(|error| unusable(&format!("DATABASE_PATH={}", path.display()), &error))?;
    let address = SocketAddr::new(config.bind, config.port);
    Ok(Text::new(
        format!(
            "Asetukset kelpaavat: osoite {address}, tietokanta {}",
            path.display()
        ),
        format!(
            "The settings are fine: address {address}, database {}",
            path.display()
        ),
    ))
}

pub(super) fn unusable(path: &str, error: &InspectError) -> Text {
    match error {
        InspectError::TooNew { found, known } => Text::new(
            format!(
                "{path}: uudemman keskuksen kirjoittama (versio {found}, tämä osaa version {known}); päivitä keskus tai valitse toinen tietokanta"
            ),
            format!(
                "{path}: written by a newer hub (version {found}, this one knows {known}); update the hub or choose another database"
            ),
        ),
        InspectError::Sqlite(error) => Text::new(
            format!("{path}: ei avaudu ({error}); tarkista polku ja oikeudet"),
            format!("{path}: can't be opened ({error}); check the path and who may read it"),
        ),
    }
}
