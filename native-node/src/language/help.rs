//! The texts of `--help`.

use super::Language;

#[derive(Debug)]
pub struct Help {
    pub about: &'static str,
    pub usage: &'static str,
    pub usage_line: &'static str,
    pub ollama: &'static str,
    pub openai: &'static str,
    pub engine: &'static str,
    pub gpu: &'static str,
    pub cpu: &'static str,
    pub model: &'static str,
    pub name: &'static str,
    pub name_unit: &'static str,
    pub threads: &'static str,
    pub slots: &'static str,
    pub context: &'static str,
    pub hub: &'static str,
    pub status_port: &'static str,
    pub status_port_unit: &'static str,
    pub log_file: &'static str,
    pub log_file_unit: &'static str,
    pub install: &'static str,
    pub uninstall: &'static str,
    pub status: &'static str,
    pub json: &'static str,
    pub hours: &'static str,
    pub max_gpu_temperature: &'static str,
    pub yield_to_gpu_jobs: &'static str,
    pub not_on_battery: &'static str,
    pub version: &'static str,
    pub help: &'static str,
    pub environment: &'static str,
}

impl Language {
    pub fn help(self) -> Help {
        Help {
            about: self.pick(
                "Kipinän solmu: tämä kone laskee vastauksia yhteiseen verkkoon.",
                "A Kipinä node: this machine computes answers for the shared network.",
            ),
            usage: self.pick("Käyttö", "Usage"),
            usage_line: self.pick(
                "[VALITSIMET]\n        kipina-node status [--json]",
                "[OPTIONS]\n       kipina-node status [--json]",
            ),
            ollama: self.pick(
                "Laske Ollamalla (oletus, jos se vastaa)",
                "Compute with Ollama (the default where it answers)",
            ),
            openai: self.pick(
                "Laske OpenAI-yhteensopivalla palvelimella (OPENAI_BASE_URL)",
                "Compute with an OpenAI-compatible server (OPENAI_BASE_URL)",
            ),
            engine: self.pick(
                "Laske omalla moottorilla (oletus, jos Ollamaa ei ole)",
                "Compute with the built-in engine (the default without Ollama)",
            ),
            gpu: self.pick(
                "Moottori laskee näytönohjaimella (oletus: nopeammalla, mitataan)",
                "The engine computes on the GPU (default: whichever is faster, measured)",
            ),
            cpu: self.pick(
                "Moottori laskee suorittimella eikä kokeile näytönohjainta",
                "The engine computes on the CPU and tries no GPU",
            ),
            model: self.pick(
                "Malli: tunnus tai moottorille myös polku.gguf; useita: toista valitsin",
                "The model: its id or, for the engine, a path.gguf; repeat for several",
            ),
            name: self.pick(
                "Solmun nimi tilastoissa (oletus: koneen nimi)",
                "The node's name in statistics (default: the machine's)",
            ),
            name_unit: self.pick("NIMI", "NAME"),
            threads: self.pick(
                "Moottorin säikeet (oletus: fyysiset ytimet)",
                "The engine's threads (default: physical cores)",
            ),
            slots: self.pick(
                "Yhtä aikaa laskettavat pyynnöt (oletus 1; moottorilla aina 1)",
                "Prompts computed at once (default 1; the engine always 1)",
            ),
            context: self.pick(
                "Pyynnön ja vastauksen enimmäispituus tokeneina (oletus 8192)",
                "The most tokens of prompt and answer together (default 8192)",
            ),
            hub: self.pick("Keskuksen osoite (HUB_URL)", "The hub's address (HUB_URL)"),
            status_port: self.pick(
                "Tilasivun portti tällä koneella tai off (oletus 3210)",
                "The status page's port on this machine, or off (default 3210)",
            ),
            status_port_unit: self.pick("PORTTI", "PORT"),
            log_file: self.pick(
                "Kirjoita loki myös tiedostoon; vanhat osat poistuvat itsestään",
                "Write the log to a file too; old parts go by themselves",
            ),
            log_file_unit: self.pick("TIEDOSTO", "FILE"),
            install: self.pick(
                "Asenna palveluksi, joka käynnistyy itsestään, muilla valitsimilla",
                "Set up a service that starts by itself, with the other options",
            ),
            uninstall: self.pick("Poista palvelu", "Remove the service"),
            status: self.pick(
                "Näyttää, mitä käynnissä oleva solmu tekee. Paluuarvo: 0 yhdistetty, 1 ei yhteyttä, \
                 3 ei käynnissä.",
                "Shows what the node that runs is doing. Exit code: 0 connected, 1 not connected, \
                 3 none runs.",
            ),
            json: self.pick("Koneluettavana: yksi rivi solmua kohti", "As JSON: a line per node"),
            hours: self.pick(
                "Laske vain näinä aikoina, paikallista aikaa; useita: 18-08,12-13",
                "Compute at these hours only, local time; several: 18-08,12-13",
            ),
            max_gpu_temperature: self.pick(
                "Tauko, kun näytönohjain on kuumempi (°C)",
                "Pause while the GPU is hotter than this (°C)",
            ),
            yield_to_gpu_jobs: self.pick(
                "Tauko, kun peli tai muu ohjelma käyttää näytönohjainta",
                "Pause while a game or another program uses the GPU",
            ),
            not_on_battery: self.pick(
                "Tauko, kun kannettava on akun varassa",
                "Pause while a laptop runs on its battery",
            ),
            version: self.pick("Näytä versio", "Show the version"),
            help: self.pick("Näytä tämä ohje", "Show this help"),
            environment: self.pick(
                "Ympäristömuuttujat:\n  \
                 HUB_URL          keskuksen osoite (oletus wss://kipina.studio/ws)\n  \
                 NODE_API_KEY     keskukselta saatu avain\n  \
                 OLLAMA_URL       Ollaman osoite (oletus http://localhost:11434)\n  \
                 OLLAMA_MODEL     malli tai mallit (a,b), jotka haetaan (oletus qwen2.5-coder:3b)\n  \
                 OPENAI_BASE_URL  palvelimen osoite, esim. http://localhost:8080/v1\n  \
                 OPENAI_API_KEY   sen avain\n  \
                 MODELS_DIR       moottorin mallit (oletus ~/.cache/kipina/models)\n  \
                 HF_ENDPOINT      mistä malli haetaan, ellei keskuksella ole sitä\n                   \
                 (oletus https://huggingface.co)",
                "Environment:\n  \
                 HUB_URL          the hub's address (default wss://kipina.studio/ws)\n  \
                 NODE_API_KEY     the key that the hub gave you\n  \
                 OLLAMA_URL       Ollama's address (default http://localhost:11434)\n  \
                 OLLAMA_MODEL     the model or models (a,b) to have (default qwen2.5-coder:3b)\n  \
                 OPENAI_BASE_URL  the server's address, as in http://localhost:8080/v1\n  \
                 OPENAI_API_KEY   its key\n  \
                 MODELS_DIR       the engine's models (default ~/.cache/kipina/models)\n  \
                 HF_ENDPOINT      where a model comes from that the hub does not have\n                   \
                 (default https://huggingface.co)",
            ),
        }
    }
}
