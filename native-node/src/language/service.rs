//! What `--install` and `--uninstall` say.

use std::path::PathBuf;

use super::Language;
use crate::service::{Outcome, ServiceError};

impl Language {
    pub fn installed(self, outcome: &Outcome) -> String {
        let files = lines(&outcome.files);
        let log = &outcome.log;
        let mut text = self.pick(
            format!(
                "Palvelu on asennettu ja käynnissä.\n{files}  \
                 Tila: kipina-node status\n  Loki: {log}\n  Poisto: kipina-node --uninstall\n"
            ),
            format!(
                "The service is set up and runs.\n{files}  \
                 Status: kipina-node status\n  Log: {log}\n  Remove: kipina-node --uninstall\n"
            ),
        );
        if let Some(command) = &outcome.linger {
            text += &self.pick(
                format!(
                    "Se on käynnissä, kun olet kirjautuneena. Näin se on aina, koneen \
                     käynnistyksestä alkaen: {command}\n"
                ),
                format!(
                    "It runs while you are logged in. To have it run always, from the machine's \
                     start on: {command}\n"
                ),
            );
        }
        text
    }

    pub fn kept_for_service(self, names: &[&str]) -> String {
        let names = names.join(", ");
        self.pick(
            format!("Ympäristöstä otetaan mukaan: {names}"),
            format!("Taken along from the environment: {names}"),
        )
    }

    pub fn service_uses_ollama(self) -> &'static str {
        self.pick(
            "Ollama vastaa: palvelu laskee sillä (--ollama).",
            "Ollama answers: the service computes with it (--ollama).",
        )
    }

    /// `removed`: the files; `remains`: the folders of models and programs.
    pub fn uninstalled(self, removed: &[PathBuf], remains: &[PathBuf]) -> String {
        let (removed_lines, remains_lines) = (lines(removed), lines(remains));
        let what = if removed.is_empty() {
            self.pick("Palvelua ei ollut.", "There was no service.")
        } else {
            self.pick("Palvelu on poistettu:", "The service is removed:")
        };
        let remains = match remains {
            [] => String::new(),
            _ => self.pick(
                format!("Jäljelle jäävät mallit ja ohjelmat:\n{remains_lines}"),
                format!("What remains are models and programs:\n{remains_lines}"),
            ),
        };
        format!("{what}\n{removed_lines}{remains}")
    }

    pub fn service_error(self, error: &ServiceError) -> String {
        match error {
            ServiceError::NoHome => self.pick(
                "Kotikansiota ei löydy: aseta HOME.".into(),
                "There is no home folder: set HOME.".into(),
            ),
            ServiceError::NoProgram { reason } => self.pick(
                format!("Ohjelman omaa polkua ei saada selville: {reason}"),
                format!("The program's own path can't be found out: {reason}"),
            ),
            ServiceError::NoManager { command } if cfg!(windows) => {
                let task =
                    format!("schtasks /Create /TN kipina-node /SC ONLOGON /TR \"{command}\"");
                self.pick(
                    format!(
                        "Windowsissa palvelua ei asenneta. Luo ajoitettu tehtävä, ja aseta \
                         ympäristömuuttujat ensin komennolla setx: {task}"
                    ),
                    format!(
                        "On Windows no service is set up. Create a scheduled task, and set the \
                         environment with setx first: {task}"
                    ),
                )
            }
            ServiceError::NoManager { command } => self.pick(
                format!(
                    "Täällä ei ole systemd:tä, joten mitään ei asennettu. Anna oman \
                     palvelunhallintasi ajaa: {command}"
                ),
                format!(
                    "There is no systemd here, so nothing was set up. Have your own service \
                     manager run: {command}"
                ),
            ),
            ServiceError::OddProgram { path } => {
                let path = path.display();
                self.pick(
                    format!(
                        "systemd ei aja ohjelmaa, jonka polussa on lainausmerkkejä tai \
                             kenoviivoja: siirrä {path} muualle."
                    ),
                    format!(
                        "systemd runs no program whose path holds quotes or backslashes: \
                             move {path} elsewhere."
                    ),
                )
            }
            ServiceError::NotWritten { path, reason } => {
                let path = path.display();
                self.pick(
                    format!("{path}: {reason}. Tarkista oikeudet."),
                    format!("{path}: {reason}. Check its permissions."),
                )
            }
            ServiceError::NotStarted { reason, then } => self.pick(
                format!(
                    "Palvelu on kirjoitettu mutta ei käynnissä ({reason}). Kirjaudu omana \
                     käyttäjänäsi ja aja: {then}"
                ),
                format!(
                    "The service is written but does not run ({reason}). Log in as yourself and \
                     run: {then}"
                ),
            ),
        }
    }
}

fn lines(files: &[PathBuf]) -> String {
    let lines = files.iter().map(|file| format!("  {}\n", file.display()));
    lines.collect()
}
