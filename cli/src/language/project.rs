//! What a team's work is told in: the studio's own sentences.

use pipeline::{Failure, FilePath, FileProblem, Notice, Purpose, Share, Stage};

use super::Language;
use crate::project::Wait;

impl Language {
    pub(crate) fn stage(self, stage: Stage) -> &'static str {
        match stage {
            Stage::Planning => self.pick("Suunnitellaan tiedostoja", "Planning the files"),
            Stage::Writing => self.pick("Kirjoitetaan tiedostoja", "Writing the files"),
            Stage::Reviewing => self.pick(
                "Tarkastetaan, toimivatko tiedostot yhdessä",
                "Checking that the files work together",
            ),
            Stage::Mending => self.pick(
                "Korjataan tarkastuksen löydöksiä",
                "Mending what the review found",
            ),
            Stage::Summing => self.pick("Punnitaan riskejä", "Weighing the risks"),
            Stage::Done => self.pick("Valmista", "Done"),
        }
    }

    pub(crate) fn purpose(self, purpose: &Purpose) -> String {
        match purpose {
            Purpose::Plan => self.pick("suunnitelma", "plan").to_owned(),
            Purpose::Review => self.pick("tarkastus", "review").to_owned(),
            Purpose::Risks => self.pick("riskit", "risks").to_owned(),
            Purpose::Write { path } | Purpose::Mend { path } => path.to_string(),
        }
    }

    pub(crate) fn wait(self, wait: &Wait) -> String {
        match wait {
            Wait::Hub => self.pick(
                "Odotetaan yhteyttä keskukseen. Työ jatkuu itsestään, kun yhteys palaa.".to_owned(),
                "Waiting for the hub. Work goes on by itself when the connection is back.".to_owned(),
            ),
            Wait::Node(None) => self.pick(
                "Odotetaan konetta, joka vastaa. Työ jatkuu itsestään, kun joku liittyy verkkoon.".to_owned(),
                "Waiting for a machine that answers. Work goes on by itself when one joins the network.".to_owned(),
            ),
            Wait::Node(Some(model)) => self.pick(
                format!("Odotetaan konetta, jolla on malli {model}. Työ jatkuu itsestään, kun joku liittyy verkkoon."),
                format!("Waiting for a machine with the model {model}. Work goes on by itself when one joins the network."),
            ),
            Wait::Turn => self.pick(
                "Kaikilla koneilla on töitä. Odotetaan vuoroa.".to_owned(),
                "All machines are busy. Waiting for a turn.".to_owned(),
            ),
            Wait::Again => self.pick(
                "Kone katosi kesken vastauksen. Pyydetään kohta uudelleen.".to_owned(),
                "A machine was lost in the middle of an answer. It is asked again in a moment.".to_owned(),
            ),
        }
    }

    fn file_problem(self, problem: FileProblem) -> &'static str {
        match problem {
            FileProblem::Empty => self.pick(
                "vastauksessa ei ollut tiedostoa",
                "there was no file in the answer",
            ),
            FileProblem::Repeats => {
                self.pick("vastaus toisti itseään", "the answer repeated itself")
            }
            FileProblem::TooLong => self.pick("vastaus ei päättynyt", "the answer did not end"),
            FileProblem::Shrunk => self.pick(
                "korjaus olisi hukannut suurimman osan tiedostosta",
                "the mended file would have lost most of its text",
            ),
        }
    }

    /// The issues of a notice follow in lines of their own.
    pub(crate) fn notice(self, notice: &Notice) -> String {
        match notice {
            Notice::Shortened { path, shares } => {
                let files: Vec<String> = shares.iter().map(|share| self.share(share)).collect();
                let files = files.join(", ");
                match path {
                    None => self.pick(
                        format!("Kysymykseen ei mahtunut kaikki: {files}."),
                        format!("Not everything fitted into the question: {files}."),
                    ),
                    Some(path) => self.pick(
                        format!("Kun {path} kirjoitettiin, kysymykseen ei mahtunut kaikki: {files}."),
                        format!("When {path} was written, not everything fitted into the question: {files}."),
                    ),
                }
            }
            Notice::PlanRefused { problem } => self.pick(
                format!("Suunnitelmaa ei voitu käyttää, joten pyydettiin uusi ({problem})."),
                format!("The plan could not be used, so another one was asked for ({problem})."),
            ),
            Notice::FileRefused { path, problem } => {
                let problem = self.file_problem(*problem);
                self.pick(
                    format!("Tiedostoa {path} pyydettiin uudelleen: {problem}."),
                    format!("The file {path} was asked for again: {problem}."),
                )
            }
            Notice::ReviewUnclear => self.pick(
                "Tarkastajan vastauksissa ei ollut päätöstä, joten tiedostoja ei tarkastettu.".to_owned(),
                "The reviewer's answers had no verdict, so the files were not reviewed.".to_owned(),
            ),
            Notice::IssuesLeft { issues } => {
                let lines: Vec<String> = issues
                    .iter()
                    .map(|issue| format!("{}: {}", issue.path, issue.text))
                    .collect();
                let lines = lines.join("; ");
                self.pick(
                    format!("Nämä huomautukset jäivät korjaamatta: {lines}"),
                    format!("These remarks were left unmended: {lines}"),
                )
            }
            Notice::Lost { message } => self.pick(
                format!("Kone katosi kesken vastauksen, ja pyydettiin toista ({message})."),
                format!("A machine was lost in the middle of an answer, and another one was asked ({message})."),
            ),
        }
    }

    fn share(self, (path, share): &(FilePath, Share)) -> String {
        let how = match share {
            Share::Whole => self.pick("kokonaan", "whole"),
            Share::Outline => self.pick("vain runko", "outline only"),
            Share::Nothing => self.pick("ei lainkaan", "not at all"),
        };
        format!("{path}: {how}")
    }

    pub(crate) fn team_failed(self, reason: &Failure) -> String {
        match reason {
            Failure::Plan { .. } => self.pick(
                "Suunnitelma ei onnistunut usealla yrityksellä. Tarkenna ideaa toisessa kansiossa tai yritä uudelleen."
                    .to_owned(),
                "Several attempts gave no usable plan. Make the idea more precise in another folder, or try again."
                    .to_owned(),
            ),
            Failure::File { path, problem } => {
                let problem = self.file_problem(*problem);
                self.pick(
                    format!("Tiedosto {path} ei onnistunut usealla yrityksellä: {problem}. Yritä uudelleen, kirjoita se itse tai valitse suurempi malli."),
                    format!("The file {path} did not come out in several attempts: {problem}. Try again, write it yourself, or choose a larger model."),
                )
            }
            Failure::Window { needed, window } => self.pick(
                format!("Kysymys ei mahdu mallin ikkunaan: tarvitaan arviolta {needed} tokenia, tilaa on {window}. Lyhennä ideaa tai valitse malli, jolla on suurempi ikkuna."),
                format!("The question does not fit the model's window: it needs some {needed} tokens, and there is room for {window}. Shorten the idea, or choose a model with a larger window."),
            ),
            Failure::Nobody { message } => self.pick(
                format!("Kukaan ei voinut vastata: {message}"),
                format!("Nobody could answer: {message}"),
            ),
        }
    }

    pub(crate) fn go_on(self, folder: &str) -> String {
        self.pick(
            format!("Jatka siitä, mihin jäätiin: kpn project --out {folder}"),
            format!("Go on from where it was: kpn project --out {folder}"),
        )
    }

    pub(crate) fn goes_on(self, idea: &str) -> String {
        self.pick(format!("Jatketaan: {idea}"), format!("Going on: {idea}"))
    }

    pub(crate) fn finished(self, folder: &str) -> String {
        self.pick(
            format!("Kaikki tiedostot on kirjoitettu ja tarkastettu: {folder}"),
            format!("All files are written and reviewed: {folder}"),
        )
    }

    pub(crate) fn finished_in_part(self, unwritten: &[&FilePath], folder: &str) -> String {
        let files: Vec<&str> = unwritten.iter().map(|path| path.as_str()).collect();
        let files = files.join(", ");
        self.pick(
            format!("Tiimi on valmis, mutta kansiosta puuttuu tiedostoja: {files}. Poista, mikä on niiden tiellä, ja aja: kpn project --out {folder}"),
            format!("The team is done, but the folder lacks files: {files}. Clear what is in their way, then: kpn project --out {folder}"),
        )
    }

    pub(crate) fn risks(self) -> &'static str {
        self.pick("Riskit", "Risks")
    }

    pub(crate) fn lines(self, count: usize) -> String {
        match count {
            1 => self.pick("1 rivi", "1 line").to_owned(),
            _ => self.pick(format!("{count} riviä"), format!("{count} lines")),
        }
    }

    pub(crate) fn not_written(self, path: &FilePath, why: &str) -> String {
        self.pick(
            format!("{path} jäi kirjoittamatta: {why}."),
            format!("{path} was not written: {why}."),
        )
    }

    pub(crate) fn edited(self, path: &FilePath) -> String {
        self.pick(
            format!("{path}: otettiin huomioon, mitä kirjoitit siihen itse."),
            format!("{path}: what you wrote into it is taken up."),
        )
    }

    pub(crate) fn saved(self) -> &'static str {
        self.pick(
            "Keskeytetty. Työ on tallessa.",
            "Stopped. The work is saved.",
        )
    }
}
