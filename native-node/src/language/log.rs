//! What the node says while it runs.

use std::time::Duration;

use super::Language;
use crate::{config::without_user, error::LossReason, status::Processor};

impl Language {
    pub fn pulling(self, model: &str) -> String {
        self.pick(
            format!("Haetaan malli {model} Ollamalle…"),
            format!("Downloading {model} for Ollama…"),
        )
    }

    pub fn pull_failed(self, model: &str, reason: &str) -> String {
        self.pick(
            format!("Mallin {model} haku ei onnistunut ({reason}); jatketaan muilla malleilla."),
            format!("Downloading {model} failed ({reason}); going on with the other models."),
        )
    }

    pub fn load_progress(self, model: &str, percent: u64) -> String {
        self.pick(
            format!("{model}: {percent} % ladattu"),
            format!("{model}: {percent} % loaded"),
        )
    }

    pub fn model_loaded(self, model: &str, took: Duration, processor: &Processor) -> String {
        let (seconds, processor) = (took.as_secs_f64(), self.processor(processor));
        self.pick(
            format!("{model} ladattu {seconds:.1} sekunnissa: {processor}"),
            format!("{model} loaded in {seconds:.1} s: {processor}"),
        )
    }

    pub fn owner_not_kept(self, folder: &str, reason: &str) -> String {
        self.pick(
            format!(
                "Kansioon {folder} ei voi kirjoittaa ({reason}), joten hub tuntee tämän solmun vain osoitteesta. \
                 Salli kirjoittaminen, niin hyvä maine säilyy osoitteen vaihtuessa."
            ),
            format!(
                "Nothing can be written to {folder} ({reason}), so the hub knows this node only by its address. \
                 Allow writing, and its good name outlives a change of address."
            ),
        )
    }

    pub fn model_given_up(self, model: &str) -> String {
        self.pick(
            format!("{model} poistettu muistista: tilaa tarvittiin toiselle"),
            format!("{model} left memory: another model needs the room"),
        )
    }

    pub fn model_withdrawn(self, path: &str, reason: &str) -> String {
        self.pick(
            format!(
                "Mallia {path} ei voi ladata ({reason}), joten sitä ei tarjota. Korvaa tiedosto ehjällä: \
                 solmu huomaa sen itse."
            ),
            format!(
                "{path} can't be loaded ({reason}) and is offered no more. Put a whole file in its \
                 place: the node notices by itself."
            ),
        )
    }

    pub fn backend_found(self, backend: &str) -> String {
        self.pick(
            format!("Laskee: {backend}"),
            format!("Computing with {backend}"),
        )
    }

    pub fn models_changed(self, models: &[String]) -> String {
        let models = list(models);
        self.pick(format!("Mallit: {models}"), format!("Models: {models}"))
    }

    pub fn backend_lost(self, reason: &str) -> String {
        self.pick(
            format!("Malleja ei saada: {reason}. Yritetään uudelleen."),
            format!("No models to be had: {reason}. Trying again."),
        )
    }

    pub fn connected(self, hub: &str, name: &str) -> String {
        let hub = without_user(hub);
        self.pick(
            format!("Yhdistetty: {hub}, solmun nimi {name}"),
            format!("Connected to {hub} as {name}"),
        )
    }

    pub fn connection_lost(self, reason: &LossReason, delay: Duration) -> String {
        let reason = self.loss_reason(reason);
        let seconds = delay.as_secs_f64();
        self.pick(
            format!("Ei yhteyttä keskukseen: {reason}. Uusi yritys {seconds:.1} s päästä."),
            format!("No connection to the hub: {reason}. Trying again in {seconds:.1} s."),
        )
    }

    pub fn draining(self) -> &'static str {
        self.pick(
            "Keskus pysähtyy: keskeneräiset vastataan, uusia ei oteta.",
            "The hub is stopping: finishing what is here, taking no more.",
        )
    }

    pub fn finishing(self, prompts: usize) -> String {
        self.pick(
            format!(
                "Viimeistellään keskeneräiset ({prompts}), uusia ei oteta. Ctrl+C uudelleen \
                 lopettaa heti."
            ),
            format!(
                "Finishing what is here ({prompts}), taking no more. Ctrl+C again ends it at once."
            ),
        )
    }

    pub fn stopped(self) -> &'static str {
        self.pick("Solmu pysäytetty.", "The node has stopped.")
    }

    pub fn cancelled(self) -> &'static str {
        self.pick("peruttu", "cancelled")
    }
}

pub(super) fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "–".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::download::SourceFailure;

    #[test]
    fn the_log_names_hubs_and_sources_without_who_asks() {
        for language in [Language::Finnish, Language::English] {
            let connected = language.connected("wss://aino:secret@hub.example/ws", "Sauna");
            let url = "https://aino:secret@hub.example/models/m.gguf";
            let failed = language.source_failed(url, &SourceFailure::Unreachable);
            for line in [connected, failed] {
                assert!(line.contains("//hub.example/"), "{line}");
                assert!(!line.contains("secret"), "{line}");
            }
        }
    }
}
