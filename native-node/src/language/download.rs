//! What is said of models that are fetched.

use super::{Language, log::megabytes};
use crate::{
    config::without_user,
    download::{DownloadError, SourceFailure},
};

impl Language {
    pub fn downloading(self, model: &str, bytes: u64, licence: &str) -> String {
        let megabytes = megabytes(bytes);
        self.pick(
            format!("Haetaan malli {model}, {megabytes} Mt (lisenssi: {licence})…"),
            format!("Downloading {model}, {megabytes} MB (licence: {licence})…"),
        )
    }

    pub fn download_progress(self, model: &str, done_bytes: u64, total_bytes: u64) -> String {
        let (done, total) = (megabytes(done_bytes), megabytes(total_bytes));
        let percent = (done_bytes * 100).checked_div(total_bytes).unwrap_or(0);
        self.pick(
            format!("{model}: {done} / {total} Mt haettu ({percent} %)"),
            format!("{model}: {done} of {total} MB downloaded ({percent} %)"),
        )
    }

    pub fn downloaded(self, path: &str) -> String {
        self.pick(
            format!("Malli haettu ja tarkistettu: {path}"),
            format!("Downloaded and checked: {path}"),
        )
    }

    pub fn download_elsewhere(self, model: &str) -> String {
        self.pick(
            format!("Toinen ohjelma hakee jo mallia {model}: odotetaan sitä."),
            format!("Another program is downloading {model} already: waiting for it."),
        )
    }

    pub fn source_failed(self, url: &str, failure: &SourceFailure) -> String {
        let (url, why) = (without_user(url), self.source_failure(failure));
        self.pick(
            format!("Ei onnistunut: {url} ({why})"),
            format!("No luck at {url} ({why})"),
        )
    }

    fn source_failure(self, failure: &SourceFailure) -> String {
        let words = match failure {
            SourceFailure::Unreachable => self.pick("ei yhteyttä", "no connection"),
            SourceFailure::Status(404) => {
                self.pick("sillä ei ole tätä tiedostoa", "it does not have the file")
            }
            SourceFailure::Status(status) => return format!("HTTP {status}"),
            SourceFailure::BrokenOff => self.pick("yhteys katkesi", "the connection broke off"),
            SourceFailure::Silent => self.pick("mitään ei tullut", "nothing came"),
            SourceFailure::OtherSize => self.pick(
                "sillä on toisen kokoinen tiedosto",
                "its file has another size",
            ),
            SourceFailure::WrongChecksum => self.pick(
                "tarkistussumma on väärä, tiedosto hylättiin",
                "wrong checksum, the file was thrown away",
            ),
        };
        words.to_owned()
    }

    pub fn download_error(self, error: &DownloadError) -> String {
        match error {
            DownloadError::NoChecksum => self.pick(
                "Sen tarkistussummaa ei saatu. Tarkista verkkoyhteys ja HF_ENDPOINT.".into(),
                "Its checksum could not be had. Check the network and HF_ENDPOINT.".into(),
            ),
            DownloadError::DiskFull {
                folder,
                needed_bytes,
                free_bytes,
            } => {
                let folder = folder.display();
                let (needed, free) = (megabytes(*needed_bytes), megabytes(*free_bytes));
                self.pick(
                    format!(
                        "Levyllä on liian vähän tilaa: {folder} tarvitsee {needed} Mt, vapaana on \
                         {free} Mt. Vapauta tilaa tai valitse muu kansio: MODELS_DIR."
                    ),
                    format!(
                        "The disk is too full: {folder} needs {needed} MB and has {free} MB. Make \
                         room, or choose another folder with MODELS_DIR."
                    ),
                )
            }
            DownloadError::Disk { path, reason } => {
                let path = path.display();
                self.pick(
                    format!(
                        "Levylle ei voi kirjoittaa: {path} ({reason}). Tarkista kansion oikeudet \
                         tai valitse muu: MODELS_DIR."
                    ),
                    format!(
                        "The disk can't be written: {path} ({reason}). Check the folder's \
                         permissions, or choose another with MODELS_DIR."
                    ),
                )
            }
            DownloadError::NoSource { path } => {
                let path = path.display();
                self.pick(
                    format!(
                        "Sitä ei saatu mistään. Tarkista verkkoyhteys ja HUB_URL, tai laita \
                         tiedosto itse paikalleen: {path}"
                    ),
                    format!(
                        "No source had it. Check the network and HUB_URL, or put the file there \
                         yourself: {path}"
                    ),
                )
            }
        }
    }
}
