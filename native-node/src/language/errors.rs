//! What is wrong, and what to do about it.

use clap::error::ErrorKind;

use super::Language;
use crate::{
    config::ConfigError,
    error::{LossReason, NodeError},
    logging::LogError,
};

impl Language {
    pub fn wrong_flag(self, kind: ErrorKind, part: Option<&str>) -> String {
        let part = part.unwrap_or_default();
        let what = match kind {
            ErrorKind::InvalidValue | ErrorKind::NoEquals => self.pick(
                format!("{part} tarvitsee arvon"),
                format!("{part} needs a value"),
            ),
            ErrorKind::ArgumentConflict => self.pick(
                format!("{part} on annettu kahdesti"),
                format!("{part} was given twice"),
            ),
            _ => self.pick(
                format!("tuntematon valitsin {part}"),
                format!("unknown option {part}"),
            ),
        };
        self.pick(
            format!("{what}. Kaikki valitsimet: kipina-node --help"),
            format!("{what}. All options: kipina-node --help"),
        )
    }

    pub fn install_or_uninstall(self) -> &'static str {
        self.pick(
            "Anna vain toinen: --install tai --uninstall.",
            "Give only one of --install and --uninstall.",
        )
    }

    pub fn config_error(self, error: &ConfigError) -> String {
        match error {
            ConfigError::InvalidUrl {
                name,
                value,
                example,
            } => self.pick(
                format!("{name}: `{value}` ei ole kelpo osoite. Kirjoita se näin: {example}"),
                format!("{name}: `{value}` is no usable address. Write it like this: {example}"),
            ),
            ConfigError::InvalidNumber {
                name,
                value,
                minimum,
                maximum,
            } => self.pick(
                format!("{name}: `{value}` ei kelpaa. Anna luku väliltä {minimum}–{maximum}."),
                format!("{name}: `{value}` won't do. Give a number from {minimum} to {maximum}."),
            ),
            ConfigError::InvalidStatusPort { value } => self.pick(
                format!("--status-port: `{value}` ei kelpaa. Anna portti, 1–65535, tai off."),
                format!("--status-port: `{value}` won't do. Give a port, 1 to 65535, or off."),
            ),
            ConfigError::SeveralBackends => self.pick(
                "Anna vain yksi näistä: --ollama, --openai, --engine.".into(),
                "Give only one of --ollama, --openai, --engine.".into(),
            ),
            ConfigError::GpuAndCpu => self.pick(
                "Anna vain toinen: --gpu tai --cpu.".into(),
                "Give only one of --gpu and --cpu.".into(),
            ),
            ConfigError::ProcessorOfAnother { flag } => self.pick(
                format!(
                    "{flag} koskee omaa moottoria, ja tämä palvelin valitsee itse, millä se laskee. Jätä \
                     valitsin pois, tai anna --engine."
                ),
                format!(
                    "{flag} is for the built-in engine, and this server chooses by itself what it \
                     computes with. Leave the option out, or give --engine."
                ),
            ),
            ConfigError::OpenAiWithoutUrl => self.pick(
                "--openai tarvitsee palvelimen osoitteen: aseta \
                 OPENAI_BASE_URL=http://localhost:8080/v1"
                    .into(),
                "--openai needs the server's address: set \
                 OPENAI_BASE_URL=http://localhost:8080/v1"
                    .into(),
            ),
            ConfigError::UnknownModel { id, known } => {
                let known = known.join(", ");
                self.pick(
                    format!("--model: mallia `{id}` ei tunneta. Valitse: {known}, tai polku.gguf"),
                    format!("--model: `{id}` is not known. Choose from {known}, or a path.gguf"),
                )
            }
            ConfigError::NoModelsFolder => self.pick(
                "Kotikansiota ei löydy: aseta MODELS_DIR kansioksi, jossa mallit ovat.".into(),
                "There is no home folder: set MODELS_DIR to the folder of the models.".into(),
            ),
            ConfigError::InvalidHours { value } => self.pick(
                format!("--hours: `{value}` ei ole aikaväli. Kirjoita se näin: 18-08 tai 9:30-17"),
                format!("--hours: `{value}` is no span of hours. Write it like 18-08 or 9:30-17"),
            ),
            ConfigError::EngineHasOneSlot => self.pick(
                "--slots: moottori laskee yhden pyynnön kerrallaan. Jätä valitsin pois.".into(),
                "--slots: the engine computes one prompt at a time. Leave the option out.".into(),
            ),
            ConfigError::BrokenCatalogue { reason } => self.pick(
                format!("Ohjelman malliluettelo on rikki: {reason}. Asenna ohjelma uudelleen."),
                format!("The program's model catalogue is broken: {reason}. Install it again."),
            ),
        }
    }

    pub fn log_error(self, error: &LogError) -> String {
        match error {
            LogError::Occupied { path } => {
                let path = path.display();
                self.pick(
                    format!("--log-file: {path} on jo muu tiedosto. Anna toinen polku."),
                    format!("--log-file: {path} is another file already. Give another path."),
                )
            }
            LogError::NotWritable { path, reason } => {
                let path = path.display();
                self.pick(
                    format!("--log-file: tiedostoon {path} ei voi kirjoittaa: {reason}"),
                    format!("--log-file: {path} can't be written: {reason}"),
                )
            }
        }
    }

    pub fn node_error(self, error: &NodeError) -> String {
        match error {
            NodeError::OllamaUnreachable { url, reason } => self.pick(
                format!(
                    "Ollama ei vastaa osoitteessa {url} ({reason}). Käynnistä se (`ollama serve`) \
                     tai korjaa OLLAMA_URL."
                ),
                format!(
                    "Ollama does not answer at {url} ({reason}). Start it (`ollama serve`), or \
                     mend OLLAMA_URL."
                ),
            ),
            NodeError::OllamaTooOld { version } => self.pick(
                format!(
                    "Ollama {version} lyhentää pitkät pyynnöt kertomatta siitä. Päivitä se: \
                     vähintään 0.12.6."
                ),
                format!(
                    "Ollama {version} cuts long prompts without a word. Update it to 0.12.6 or \
                     newer."
                ),
            ),
            NodeError::PullFailed { model, reason } => self.pick(
                format!(
                    "Mallin {model} haku ei onnistunut ({reason}). Kokeile `ollama pull {model}` \
                     tai valitse muu malli: OLLAMA_MODEL."
                ),
                format!(
                    "Downloading {model} failed ({reason}). Try `ollama pull {model}`, or choose \
                     another model with OLLAMA_MODEL."
                ),
            ),
            NodeError::OpenAiUnreachable { url, reason } => self.pick(
                format!("{url} ei vastaa ({reason}). Tarkista OPENAI_BASE_URL ja OPENAI_API_KEY."),
                format!(
                    "{url} gives no answer ({reason}). Check OPENAI_BASE_URL and OPENAI_API_KEY."
                ),
            ),
            NodeError::ModelNotFetched { id, reason } => {
                let reason = self.download_error(reason);
                self.pick(
                    format!("Mallia {id} ei saatu. {reason}"),
                    format!("{id} could not be had. {reason}"),
                )
            }
            NodeError::NoModel => self.pick(
                "Malleja ei ole. Valitse jokin: --model".into(),
                "There are no models. Choose one with --model".into(),
            ),
            NodeError::ModelUnusable { path, reason } => self.pick(
                format!("Mallia {path} ei voi käyttää: {reason}"),
                format!("The model {path} can't be used: {reason}"),
            ),
            NodeError::Tls { reason } => self.pick(
                format!("Salattua yhteyttä ei voi ottaa käyttöön: {reason}"),
                format!("Encrypted connections can't be set up: {reason}"),
            ),
            NodeError::RefusedByHub { code, reason } => {
                let what_to_do = match *code {
                    protocol::close_code::UNAUTHORISED => self.pick(
                        "Pyydä avain keskuksen ylläpitäjältä ja aseta se: NODE_API_KEY",
                        "Ask the hub's operator for a key and set NODE_API_KEY",
                    ),
                    protocol::close_code::BANNED => self.pick(
                        "Kysy syytä keskuksen ylläpitäjältä",
                        "Ask the hub's operator why",
                    ),
                    _ => self.pick("Päivitä kipina-node", "Update kipina-node"),
                };
                self.pick(
                    format!("Keskus ei ota solmua vastaan ({code}: {reason}). {what_to_do}."),
                    format!("The hub does not take this node ({code}: {reason}). {what_to_do}."),
                )
            }
        }
    }
    pub fn loss_reason(self, reason: &LossReason) -> String {
        let words = match reason {
            LossReason::NoAnswer => self.pick("se ei vastaa", "it does not answer"),
            LossReason::NoWelcome => self.pick(
                "se ei toivota tervetulleeksi: onko se Kipinän keskus?",
                "it does not welcome nodes: is it a Kipinä hub?",
            ),
            LossReason::Silent => self.pick("siitä ei kuulu mitään", "nothing is heard of it"),
            LossReason::Stuck => self.pick("se ei ota dataa vastaan", "it takes no more data"),
            LossReason::Ended => self.pick("yhteys päättyi", "the connection ended"),
            LossReason::HubStopped => self.pick("se pysäytettiin", "it was stopped"),
            LossReason::Slept => self.pick("tämä kone nukkui", "this machine slept"),
            LossReason::Closed { code, reason } => {
                return self.pick(
                    format!("se sulki yhteyden ({code} {reason})"),
                    format!("it closed the connection ({code} {reason})"),
                );
            }
            LossReason::Broken(error) => error,
        };
        words.to_owned()
    }
}
