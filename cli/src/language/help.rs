//! The texts of `--help`.

use super::Language;

#[derive(Debug)]
pub(crate) struct Help {
    language: Language,
    pub(crate) usage: &'static str,
    pub(crate) commands: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) options: &'static str,
    pub(crate) everywhere: &'static str,
    pub(crate) after: &'static str,
    pub(crate) question_unit: &'static str,
    pub(crate) text_unit: &'static str,
    pub(crate) idea_unit: &'static str,
    pub(crate) folder_unit: &'static str,
    pub(crate) role_unit: &'static str,
    pub(crate) key_unit: &'static str,
    pub(crate) question: &'static str,
    pub(crate) idea: &'static str,
    pub(crate) out: &'static str,
    pub(crate) force: &'static str,
    pub(crate) patience: &'static str,
    pub(crate) agent: &'static str,
    pub(crate) system: &'static str,
    pub(crate) max_tokens: &'static str,
    pub(crate) temperature: &'static str,
    pub(crate) seed: &'static str,
    pub(crate) watch: &'static str,
    pub(crate) runs: &'static str,
    pub(crate) shell: &'static str,
    pub(crate) hub: &'static str,
    pub(crate) key: &'static str,
    pub(crate) model: &'static str,
    pub(crate) json: &'static str,
    pub(crate) lang: &'static str,
    pub(crate) timeout: &'static str,
    pub(crate) version: &'static str,
    pub(crate) help: &'static str,
}

impl Help {
    pub(crate) fn about(&self, command: &str) -> &'static str {
        let (finnish, english) = match command {
            "chat" => (
                "Keskustele päätteessä; Ctrl+C keskeyttää vastauksen, Ctrl+D lopettaa",
                "Talk in the terminal; Ctrl+C stops an answer, Ctrl+D ends",
            ),
            "ask" => ("Kysy kerran", "Ask once"),
            "project" => (
                "Anna idea tiimille, joka kirjoittaa siitä projektin tiedostot kansioon",
                "Give an idea to the team, which writes a project's files into a folder",
            ),
            "models" => (
                "Luettele mallit, jotka vastaavat nyt",
                "List the models that answer now",
            ),
            "nodes" => ("Luettele verkon koneet", "List the network's machines"),
            "stats" => ("Näytä, mitä verkko tekee", "Show what the network is doing"),
            "bench" => (
                "Mittaa mallin nopeus keskuksen kautta",
                "Measure a model's speed through the hub",
            ),
            "verify" => (
                "Tarkista tie täältä vastaukseen askel askeleelta",
                "Check the way from here to an answer, step by step",
            ),
            "completions" => (
                "Tulosta komentotulkin täydennykset",
                "Print completions for a shell",
            ),
            "man" => ("Tulosta man-sivu", "Print the man page"),
            _ => (
                "Kipinä päätteessä: kysy, keskustele ja teetä projekteja omilla koneillasi.",
                "Kipinä from a terminal: ask, talk and have projects written by your own machines.",
            ),
        };
        self.language.pick(finnish, english)
    }

    pub(crate) fn usage_of(&self, command: &str) -> String {
        let options = self.language.pick("[VALITSIMET]", "[OPTIONS]");
        let (folder, idea, question) = (self.folder_unit, self.idea_unit, self.question_unit);
        match command {
            "kpn" => self
                .language
                .pick("kpn [VALITSIMET] KOMENTO", "kpn [OPTIONS] COMMAND")
                .to_owned(),
            "ask" => format!("kpn ask {options} {question}…"),
            "project" => format!("kpn project {options} --out {folder} {idea}…"),
            "completions" => "kpn completions SHELL".to_owned(),
            other => format!("kpn {other} {options}"),
        }
    }
}

impl Language {
    pub(crate) fn help(self) -> Help {
        Help {
            language: self,
            usage: self.pick("Käyttö", "Usage"),
            commands: self.pick("Komennot", "Commands"),
            arguments: self.pick("Argumentit", "Arguments"),
            options: self.pick("Valitsimet", "Options"),
            everywhere: self.pick(
                "Valitsimet kaikille komennoille",
                "Options of every command",
            ),
            question_unit: self.pick("KYSYMYS", "QUESTION"),
            text_unit: self.pick("TEKSTI", "TEXT"),
            idea_unit: self.pick("IDEA", "IDEA"),
            folder_unit: self.pick("KANSIO", "FOLDER"),
            role_unit: self.pick("ROOLI", "ROLE"),
            key_unit: self.pick("AVAIN", "KEY"),
            question: self.pick(
                "Kysymys; ilman sitä ja sanan - kohdalla luetaan syöte",
                "The question; without one, and where a word is -, input is read",
            ),
            idea: self.pick(
                "Mitä tehdään; jätä pois, kun jatkat kansion projektia",
                "What to make; leave it out to go on with the folder's project",
            ),
            out: self.pick(
                "Kansio, johon tiedostot kirjoitetaan; sen ulkopuolelle ei kirjoiteta mitään",
                "The folder that files are written into; nothing is written outside it",
            ),
            force: self.pick(
                "Käytä kansiota, jossa on jo tiedostoja: samannimiset korvataan",
                "Use a folder that has files already: those of the same name are replaced",
            ),
            patience: self.pick(
                "Näin monta sekuntia odotetaan kadonnutta keskusta tai konetta (oletus 600)",
                "Seconds to wait for a hub or machine that has gone (default 600)",
            ),
            agent: self.pick(
                "Tiimin agentti, joka vastaa: manager, coder, data, tester, reviewer, observer",
                "The team's agent that answers: manager, coder, data, tester, reviewer, observer",
            ),
            system: self.pick("Järjestelmäkehote", "The system prompt"),
            max_tokens: self.pick(
                "Vastauksen enimmäispituus tokeneina",
                "The most tokens of the answer",
            ),
            temperature: self.pick("Lämpötila 0–2", "Temperature, 0 to 2"),
            seed: self.pick("Satunnaisuuden siemen", "Seed of what is random"),
            watch: self.pick(
                "Seuraa muutoksia, kunnes Ctrl+C",
                "Follow changes until Ctrl+C",
            ),
            runs: self.pick(
                "Mittauskertoja (oletus 5)",
                "How often to measure (default 5)",
            ),
            shell: self.pick(
                "bash, zsh, fish, powershell tai elvish",
                "bash, zsh, fish, powershell or elvish",
            ),
            hub: self.pick(
                "Keskuksen osoite (KIPINA_URL)",
                "The hub's address (KIPINA_URL)",
            ),
            key: self.pick(
                "Juuri tämän keskuksen API-avain; KIPINA_KEY ei näy prosessilistassa",
                "This hub's API key; KIPINA_KEY is not seen in lists of processes",
            ),
            model: self.pick(
                "Malli tai malliperhe (oletus: keskuksen ensimmäinen)",
                "A model or a family (default: the hub's first)",
            ),
            json: self.pick(
                "Tulosta JSON; mikä tulee vähitellen, tulee riveinä",
                "Print JSON; what comes bit by bit comes in lines",
            ),
            lang: self.pick("Kieli", "Language"),
            timeout: self.pick(
                "Näin monta sekuntia keskus saa olla hiljaa (oletus 60)",
                "Seconds that the hub may be silent (default 60)",
            ),
            version: self.pick("Näytä versio", "Show the version"),
            help: self.pick("Näytä tämä ohje", "Show this help"),
            after: self.pick(AFTER_FINNISH, AFTER_ENGLISH),
        }
    }
}

const AFTER_FINNISH: &str = "\
Asetukset, ensin mainittu voittaa: valitsimet, ympäristömuuttujat, asetustiedosto.
  KIPINA_URL  keskuksen osoite (oletus https://kipina.studio)
  KIPINA_KEY  sen API-avain; toiselle keskukselle (--hub) sitä ei lähetetä
  NO_COLOR    ei värejä
  Tiedosto: ~/.config/kipina/kpn.toml (tai XDG_CONFIG_HOME), jossa voi olla
    url = \"http://127.0.0.1:3000\"
    key = \"…\"
    model = \"qwen2.5-coder:0.5b\"
    language = \"fi\"

Paluukoodit:
  0    onnistui
  1    ei onnistunut
  2    väärä käyttö
  3    keskukseen ei saatu yhteyttä, tai yhteys katkesi
  4    keskus torjui: avain puuttuu tai on väärä
  5    kukaan ei vastaa tällä mallilla
  130  keskeytetty
  141  tulosteen lukija lopetti ennen loppua

Komennon ohje: kpn KOMENTO --help";

const AFTER_ENGLISH: &str = "\
Settings, the first named wins: options, environment, config file.
  KIPINA_URL  the hub's address (default https://kipina.studio)
  KIPINA_KEY  its API key; not sent to another hub (--hub)
  NO_COLOR    no colours
  File: ~/.config/kipina/kpn.toml (or XDG_CONFIG_HOME), which may hold
    url = \"http://127.0.0.1:3000\"
    key = \"…\"
    model = \"qwen2.5-coder:0.5b\"
    language = \"en\"

Exit codes:
  0    it worked
  1    it failed
  2    wrong usage
  3    the hub could not be reached, or the connection broke
  4    the hub refused: the key is missing or wrong
  5    nobody answers with this model
  130  interrupted
  141  whoever read the output left before its end

Help on a command: kpn COMMAND --help";
