//! What went wrong, and what to do about it.

use std::io;

use clap::error::ErrorKind;

use super::Language;
use crate::{
    config::{ConfigError, HubUrl, KeptKey},
    error::{Failure, Usage},
    hub::{HubError, Lack},
    project::FolderError,
};

impl Language {
    pub(crate) fn wrong_flag(self, kind: ErrorKind, part: Option<&str>) -> String {
        let part = part.unwrap_or_default();
        let what = match kind {
            ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::NoEquals => self
                .pick(
                    format!("{part}: arvo puuttuu tai ei kelpaa"),
                    format!("{part}: the value is missing or won't do"),
                ),
            ErrorKind::MissingRequiredArgument => {
                self.pick(format!("{part} puuttuu"), format!("{part} is missing"))
            }
            ErrorKind::ArgumentConflict => self.pick(
                format!("{part} on annettu kahdesti"),
                format!("{part} was given twice"),
            ),
            ErrorKind::InvalidSubcommand => self.pick(
                format!("tuntematon komento {part}"),
                format!("unknown command {part}"),
            ),
            _ => self.pick(
                format!("tuntematon valitsin {part}"),
                format!("unknown option {part}"),
            ),
        };
        self.pick(
            format!("{what}. Ohje: kpn --help"),
            format!("{what}. Help: kpn --help"),
        )
    }

    pub(crate) fn failure(self, failure: &Failure) -> String {
        match failure {
            Failure::Hub(error) => self.hub_error(error),
            Failure::Nobody(model) => self.nobody(model.as_deref()),
            Failure::Config(error) => self.config_error(error),
            Failure::Usage(usage) => self.usage_error(usage),
            Failure::Folder(error) => self.folder_error(error),
            Failure::Output(error) => self.pick(
                format!("tulostetta ei voitu kirjoittaa: {error}"),
                format!("the output could not be written: {error}"),
            ),
            other => other.to_string(),
        }
    }

    pub(crate) fn hub_error(self, error: &HubError) -> String {
        match error {
            HubError::Unreachable { url, lack } => self.lack(url, lack),
            HubError::Unreadable { url, reason } => self.pick(
                format!("{url} vastasi, mutta ei niin kuin Kipinän keskus ({reason}). Tarkista osoite."),
                format!("{url} answered, but not as a Kipinä hub does ({reason}). Check the address."),
            ),
            refused if refused.code() == Some("model_not_allowed") => self.pick(
                "API-avain ei ole tätä mallia varten. kpn models kertoo, mitä mallia sillä voi pyytää."
                    .to_owned(),
                "The API key is not for this model. kpn models tells which ones it is for.".to_owned(),
            ),
            refused if refused.code() == Some("insufficient_scope") => self.pick(
                "API-avain ei ole kysymistä varten. Pyydä keskuksen ylläpitäjältä sopiva.".to_owned(),
                "The API key is not for asking. Ask the hub's operator for one that is.".to_owned(),
            ),
            refused if refused.code() == Some("expired_api_key") => self.pick(
                "API-avain on vanhentunut. Pyydä keskuksen ylläpitäjältä uusi.".to_owned(),
                "The API key has expired. Ask the hub's operator for a new one.".to_owned(),
            ),
            refused if refused.code() == Some("insufficient_quota") => self.pick(
                "Päivän määrä on käytetty. Uusi päivä alkaa keskiyöllä (UTC).".to_owned(),
                "Today's amount is used up. A new day begins at midnight (UTC).".to_owned(),
            ),
            refused if refused.is_key() => self.pick(
                "Keskus vaatii API-avaimen tai ei hyväksy annettua. Anna se muuttujassa KIPINA_KEY tai \
                 tiedostossa kpn.toml."
                    .to_owned(),
                "The hub wants an API key, or does not accept this one. Give it in KIPINA_KEY or in kpn.toml."
                    .to_owned(),
            ),
            HubError::Refused {
                status,
                message,
                retry_after_seconds,
                ..
            } => {
                let words = if message.is_empty() {
                    format!("HTTP {status}")
                } else {
                    message.clone()
                };
                let said = self.pick(
                    format!("Keskus sanoi ei: {words}."),
                    format!("The hub said no: {words}."),
                );
                let said = said.replace("..", ".");
                match retry_after_seconds {
                    Some(seconds) => self.pick(
                        format!("{said} Yritä uudelleen {seconds} sekunnin päästä."),
                        format!("{said} Try again in {seconds} seconds."),
                    ),
                    None => said,
                }
            }
        }
    }

    fn lack(self, url: &str, lack: &Lack) -> String {
        match lack {
            Lack::Connection(reason) => self.pick(
                format!("Keskukseen {url} ei saatu yhteyttä ({reason}). Onko osoite oikein ja keskus käynnissä?"),
                format!("The hub at {url} could not be reached ({reason}). Is the address right, and is the hub running?"),
            ),
            Lack::Silence { seconds } => self.pick(
                format!("Keskuksesta {url} ei kuulunut mitään {seconds} sekuntiin. Yritä uudelleen, tai anna enemmän aikaa: --timeout."),
                format!("Nothing was heard from the hub at {url} for {seconds} seconds. Try again, or give it more time: --timeout."),
            ),
            Lack::Broken => self.pick(
                format!("Yhteys keskukseen {url} katkesi kesken vastauksen. Yritä uudelleen."),
                format!("The connection to the hub at {url} broke before the answer ended. Try again."),
            ),
            Lack::Proxy(status) => self.pick(
                format!("Keskus {url} ei vastaa; sen edessä oleva palvelin sanoi HTTP {status}. Yritä hetken päästä uudelleen."),
                format!("The hub at {url} does not answer; the server in front of it said HTTP {status}. Try again in a moment."),
            ),
        }
    }

    pub(crate) fn nobody(self, model: Option<&str>) -> String {
        match model {
            None => self.pick(
                "Yksikään kone ei juuri nyt vastaa. Liitä koneesi: kipina-node.".to_owned(),
                "No machine answers right now. Join yours: kipina-node.".to_owned(),
            ),
            Some(model) => self.pick(
                format!("Kukaan ei vastaa mallilla {model}. Mallit: kpn models."),
                format!("Nobody answers with {model}. The models: kpn models."),
            ),
        }
    }

    pub(crate) fn config_error(self, error: &ConfigError) -> String {
        match error {
            ConfigError::File { path, reason } => {
                let path = path.display();
                self.pick(
                    format!("Asetustiedostoa {path} ei voi käyttää: {reason}."),
                    format!("The config file {path} can't be used: {reason}."),
                )
            }
            ConfigError::Url { value } => self.pick(
                format!("`{value}` ei ole kelpo osoite. Kirjoita se näin: http://127.0.0.1:3000"),
                format!(
                    "`{value}` is no usable address. Write it like this: http://127.0.0.1:3000"
                ),
            ),
            ConfigError::Password { value } => self.pick(
                format!("Osoitteessa {value} on nimi tai salasana. Jätä se pois, ja anna avain muuttujassa KIPINA_KEY."),
                format!("The address {value} holds a name or a password. Leave it out, and give the key in KIPINA_KEY."),
            ),
            ConfigError::Key { from } => {
                let from = from.name();
                self.pick(
                    format!("Avaimessa ({from}) on merkki, jota avaimissa ei ole: väli, rivinvaihto tai muu kuin ASCII. Kopioi avain uudelleen."),
                    format!("The key ({from}) has a character that keys have not: a space, a line end, or one outside ASCII. Copy the key again."),
                )
            }
        }
    }

    /// A key that was not sent, since it is another hub's.
    pub(crate) fn key_kept(self, KeptKey { from, hub: whose }: &KeptKey, hub: &HubUrl) -> String {
        let from = from.name();
        let (finnish, english) = match whose {
            Some(whose) => (
                format!("se on keskuksen {whose}"),
                format!("it is for {whose}"),
            ),
            None => (
                "sen keskuksen osoite ei kelpaa".to_owned(),
                "the address of its hub is none".to_owned(),
            ),
        };
        self.pick(
            format!("Avainta ({from}) ei lähetetty keskukselle {hub}: {finnish}. Tämän keskuksen avaimen voi antaa valitsimella --key, tai osoitteen muuttujassa KIPINA_URL."),
            format!("The key ({from}) was not sent to {hub}: {english}. Give this hub's key with --key, or its address in KIPINA_URL."),
        )
    }

    fn usage_error(self, usage: &Usage) -> String {
        match usage {
            Usage::NoQuestion => self.pick(
                "Kysymys puuttuu: kpn ask \"Mikä on kipinä?\"".to_owned(),
                "There is no question: kpn ask \"What is a spark?\"".to_owned(),
            ),
            Usage::NoIdea => self.pick(
                "Kansiossa ei ole projektia, jota jatkaa. Kerro idea: kpn project \"…\" --out KANSIO".to_owned(),
                "The folder has no project to go on with. Tell an idea: kpn project \"…\" --out FOLDER".to_owned(),
            ),
            Usage::OtherIdea { idea } => self.pick(
                format!("Kansiossa on jo projekti: ”{idea}”. Jatka sitä ilman ideaa tai valitse toinen kansio."),
                format!("The folder holds a project already: “{idea}”. Go on with it without an idea, or choose another folder."),
            ),
            Usage::NotEmpty => self.pick(
                "Kansiossa on jo tiedostoja. Valitse tyhjä kansio, tai --force, jolloin samannimiset tiedostot korvataan."
                    .to_owned(),
                "The folder has files already. Choose an empty one, or --force, and files of the same name are replaced."
                    .to_owned(),
            ),
        }
    }

    pub(crate) fn folder_error(self, error: &FolderError) -> String {
        match error {
            FolderError::Open { path, reason } => {
                let path = path.display();
                self.pick(
                    format!("Kansiota {path} ei voi käyttää: {reason}."),
                    format!("The folder {path} can't be used: {reason}."),
                )
            }
            FolderError::Busy => self.pick(
                "Toinen kpn työskentelee jo tässä kansiossa. Odota, kunnes se on valmis.".to_owned(),
                "Another kpn works in this folder already. Wait until it is done.".to_owned(),
            ),
            FolderError::State { reason } => self.pick(
                format!("Projektin tilaa (.kipina/project.json) ei voi lukea: {reason}. Siirrä se pois, niin työ alkaa alusta."),
                format!("The project's state (.kipina/project.json) can't be read: {reason}. Move it away to begin anew."),
            ),
            FolderError::Save { reason } => self.pick(
                format!("Projektin tilaa ei voitu tallentaa: {reason}."),
                format!("The project's state could not be saved: {reason}."),
            ),
        }
    }

    /// Why a file of the project is not in the folder.
    pub(crate) fn unwritten(self, reason: &crate::project::Unwritten) -> String {
        use crate::project::Unwritten;
        match reason {
            Unwritten::Reserved => self.pick(
                "nimi on varattu (.git tai .kipina)".to_owned(),
                "the name is reserved (.git or .kipina)".to_owned(),
            ),
            Unwritten::Link => self.pick(
                "paikalla on linkki".to_owned(),
                "there is a link in its place".to_owned(),
            ),
            Unwritten::Folder => self.pick(
                "paikalla on kansio".to_owned(),
                "there is a folder in its place".to_owned(),
            ),
            Unwritten::NoText => self.pick(
                "paikalla on tiedosto, jota kpn ei ymmärrä".to_owned(),
                "there is a file in its place that kpn can't read".to_owned(),
            ),
            Unwritten::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => self.pick(
                format!("polku johtaa ulos kansiosta, tai kirjoittaminen on kielletty ({error})"),
                format!("the path leads out of the folder, or writing is not allowed ({error})"),
            ),
            Unwritten::Io(error) => error.to_string(),
        }
    }
}
