//! What the commands say.

use super::Language;

impl Language {
    pub(crate) fn cut_off(self) -> &'static str {
        self.pick(
            "Vastaus päättyi pituusrajaan.",
            "The answer ended at its length limit.",
        )
    }

    pub(crate) fn empty_answer(self) -> &'static str {
        self.pick("Malli vastasi tyhjää.", "The model's answer was empty.")
    }

    pub(crate) fn stopped(self) -> &'static str {
        self.pick("Keskeytetty.", "Stopped.")
    }

    pub(crate) fn tokens(self, count: u64) -> String {
        match count {
            1 => "1 token".to_owned(),
            _ => self.pick(format!("{count} tokenia"), format!("{count} tokens")),
        }
    }

    pub(crate) fn speed(self, tokens_per_second: f64) -> String {
        format!("{} tok/s", self.decimal(tokens_per_second))
    }

    pub(crate) fn chat_begins(self, model: &str) -> String {
        self.pick(
            format!("Vastaa: {model}. /help näyttää komennot, Ctrl+D lopettaa."),
            format!("{model} answers. /help shows the commands, Ctrl+D ends."),
        )
    }

    pub(crate) fn chat_help(self) -> &'static str {
        self.pick(
            "/model MALLI  vaihtaa mallin; ilman nimeä luettelee ne\n\
             /clear        unohtaa keskustelun\n\
             /exit         lopettaa (myös Ctrl+D)\n\
             Ctrl+C        keskeyttää vastauksen\n\
             \\ rivin lopussa jatkaa seuraavalle riville",
            "/model ID   changes the model; without a name lists them\n\
             /clear      forgets the conversation\n\
             /exit       ends (as does Ctrl+D)\n\
             Ctrl+C      stops an answer\n\
             \\ at the end of a line goes on in the next",
        )
    }

    pub(crate) fn unknown_chat_command(self, word: &str) -> String {
        self.pick(
            format!("Tuntematon komento {word}. /help näyttää komennot."),
            format!("Unknown command {word}. /help shows the commands."),
        )
    }

    pub(crate) fn conversation_forgotten(self) -> &'static str {
        self.pick("Keskustelu alkaa alusta.", "The conversation begins anew.")
    }

    pub(crate) fn oldest_forgotten(self) -> &'static str {
        self.pick(
            "Keskustelu ei mahtunut mallin ikkunaan: vanhin kysymys vastauksineen jätettiin pois.",
            "The conversation did not fit the model's window: its oldest question and answer were left out.",
        )
    }

    pub(crate) fn no_history(self, reason: &str) -> String {
        self.pick(
            format!("Kysymyksiä ei voi muistaa seuraavaan kertaan: {reason}"),
            format!("Questions can't be remembered for the next time: {reason}"),
        )
    }

    pub(crate) fn ctrl_d_ends(self) -> &'static str {
        self.pick("Ctrl+D lopettaa.", "Ctrl+D ends.")
    }

    pub(crate) fn model_heads(self) -> [&'static str; 4] {
        self.pick(
            ["malli", "perhe", "ikkuna", "koneita"],
            ["model", "family", "window", "machines"],
        )
    }

    pub(crate) fn node_heads(self) -> [&'static str; 8] {
        self.pick(
            [
                "kone",
                "laji",
                "tila",
                "töitä",
                "tok/s",
                "vastauksia",
                "tokeneita",
                "mallit",
            ],
            [
                "machine", "kind", "state", "busy", "tok/s", "answers", "tokens", "models",
            ],
        )
    }

    pub(crate) fn no_nodes(self) -> &'static str {
        self.pick(
            "Verkossa ei ole yhtään konetta. Liitä koneesi: kipina-node.",
            "There is no machine in the network. Join yours: kipina-node.",
        )
    }

    pub(crate) fn kind(self, kind: protocol::NodeKind) -> &'static str {
        match kind {
            protocol::NodeKind::Browser => self.pick("selain", "browser"),
            protocol::NodeKind::Native => self.pick("ohjelma", "program"),
        }
    }

    pub(crate) fn node_state(self, node: &protocol::NodeStats) -> &'static str {
        if node.paused {
            self.pick("tauolla", "paused")
        } else if node.only_own {
            self.pick("vain omistajalle", "owner only")
        } else if node.busy > 0 {
            self.pick("laskee", "computing")
        } else {
            self.pick("vapaa", "free")
        }
    }

    /// Name and value of each line of the statistics.
    pub(crate) fn stats_lines(self, stats: &protocol::Stats) -> Vec<[String; 2]> {
        let free = stats.nodes.iter().filter(|node| !node.paused);
        let slots: u32 = free.map(|node| node.slots.saturating_sub(node.busy)).sum();
        let (queue, totals, rates) = (&stats.queue, &stats.totals, &stats.rates);
        let line = |finnish: &str, english: &str, value: String| {
            [self.pick(finnish, english).to_owned(), value]
        };
        vec![
            line("koneita", "machines", stats.nodes.len().to_string()),
            line("vapaita paikkoja", "free slots", slots.to_string()),
            line("lasketaan nyt", "being answered", queue.running.to_string()),
            line("jonossa", "waiting", queue.waiting.to_string()),
            line(
                "vastauksia minuutissa",
                "answers a minute",
                self.decimal(rates.prompts_per_minute),
            ),
            line(
                "tokeneita sekunnissa",
                "tokens a second",
                self.decimal(rates.tokens_per_second),
            ),
            line(
                "kehotteita kaikkiaan",
                "prompts in all",
                totals.prompts.to_string(),
            ),
            line(
                "niistä epäonnistui",
                "of them failed",
                totals.failed.to_string(),
            ),
            line(
                "tokeneita kehotteissa",
                "tokens of prompts",
                totals.prompt_tokens.to_string(),
            ),
            line(
                "tokeneita vastauksissa",
                "tokens of answers",
                totals.completion_tokens.to_string(),
            ),
        ]
    }

    /// The statistics in one line.
    pub(crate) fn stats_line(self, stats: &protocol::Stats) -> String {
        let (nodes, queue, totals) = (stats.nodes.len(), &stats.queue, &stats.totals);
        let speed = self.speed(stats.rates.tokens_per_second);
        let (running, waiting, prompts) = (queue.running, queue.waiting, totals.prompts);
        self.pick(
            format!("koneita {nodes} · lasketaan {running} · jonossa {waiting} · {speed} · kehotteita {prompts}"),
            format!("machines {nodes} · answering {running} · waiting {waiting} · {speed} · prompts {prompts}"),
        )
    }

    pub(crate) fn listening_again(self, reason: &str) -> String {
        self.pick(
            format!("{reason} Yritetään uudelleen…"),
            format!("{reason} Trying again…"),
        )
    }

    pub(crate) fn feed_ended(self) -> &'static str {
        self.pick(
            "Keskus lopetti tilastojen lähettämisen.",
            "The hub ended its feed.",
        )
    }

    pub(crate) fn bench_run(self, run: u32, runs: u32) -> String {
        self.pick(
            format!("mittaus {run}/{runs}"),
            format!("run {run} of {runs}"),
        )
    }

    pub(crate) fn bench_heads(self) -> [&'static str; 4] {
        self.pick(
            ["", "mediaani", "pienin", "suurin"],
            ["", "median", "least", "most"],
        )
    }

    pub(crate) fn bench_names(self) -> [&'static str; 4] {
        self.pick(
            [
                "ensimmäinen sana (ms)",
                "jonossa (ms)",
                "kehote (tok/s)",
                "vastaus (tok/s)",
            ],
            [
                "first word (ms)",
                "in the queue (ms)",
                "prompt (tok/s)",
                "answer (tok/s)",
            ],
        )
    }
}
