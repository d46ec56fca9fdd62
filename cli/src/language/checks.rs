//! What `verify` says of each step.

use super::Language;
use crate::commands::Check;

impl Language {
    pub(crate) fn check(self, check: Check) -> &'static str {
        match check {
            Check::Reachable => self.pick("keskus vastaa", "the hub answers"),
            Check::Version => self.pick("versio", "version"),
            Check::Key => self.pick("keskus päästää sisään", "the hub lets you in"),
            Check::Models => self.pick("malli on tarjolla", "a model answers"),
            Check::Plain => self.pick("vastaus yhtenä palana", "an answer in one piece"),
            Check::Streamed => {
                self.pick("sama vastaus sana sanalta", "the same answer word by word")
            }
            Check::Cancel => self.pick(
                "keskeytys vapauttaa koneen",
                "a cancelled answer frees the machine",
            ),
            Check::Statistics => self.pick("tilastot kertovat", "statistics tell of it"),
        }
    }

    pub(crate) fn skipped(self) -> &'static str {
        self.pick(
            "ohitettiin, koska edellinen ei onnistunut",
            "left out, since one before it failed",
        )
    }

    pub(crate) fn other_version(self, hub: &str, own: &str) -> String {
        self.pick(
            format!("keskus {hub}, kpn {own}: päivitä vanhempi, jos jokin ei toimi"),
            format!("hub {hub}, kpn {own}: update the older one if something does not work"),
        )
    }

    pub(crate) fn answers_differ(self) -> &'static str {
        self.pick(
            "vastaukset eroavat, vaikka lämpötila on 0 ja siemen sama. Eri koneet pyöristävät eri tavoin: \
             kokeile uudelleen, kun mallia tarjoaa vain yksi kone",
            "the answers differ, although the temperature is 0 and the seed the same. Machines round differently: \
             try again while one machine alone has the model",
        )
    }

    pub(crate) fn empty_check(self) -> &'static str {
        self.pick(
            "vastaus oli tyhjä. Katso koneen loki, tai valitse toinen malli: --model",
            "the answer was empty. See the machine's log, or choose another model: --model",
        )
    }

    pub(crate) fn not_freed(self, seconds: u64) -> String {
        self.pick(
            format!("vastausta lasketaan yhä {seconds} s keskeytyksen jälkeen. Katso koneen loki ja päivitä kipina-node"),
            format!("the answer is still being computed {seconds} s after it was cancelled. See the machine's log, and update kipina-node"),
        )
    }

    pub(crate) fn too_busy_to_tell(self) -> &'static str {
        self.pick(
            "ei voi sanoa, koska muutkin kysyvät juuri nyt. Kokeile hiljaisempana hetkenä",
            "can't be told while others ask. Try again at a quieter moment",
        )
    }

    pub(crate) fn answered_too_soon(self) -> &'static str {
        self.pick(
            "vastaus ehti valmiiksi ennen keskeytystä",
            "the answer ended before it could be cancelled",
        )
    }

    pub(crate) fn not_counted(self) -> &'static str {
        self.pick(
            "tilastoissa ei näy näitä kehotteita. Katso keskuksen loki: sen tietokanta on ehkä täynnä",
            "the statistics do not show these prompts. See the hub's log: its database may be full",
        )
    }

    pub(crate) fn key_accepted(self) -> &'static str {
        self.pick("avain kelpaa", "the key is accepted")
    }

    pub(crate) fn key_not_asked_for(self) -> &'static str {
        self.pick(
            "keskus ei kysy avainta, mutta ei torju tätäkään",
            "the hub asks for no key, and does not refuse this one",
        )
    }

    pub(crate) fn no_key_needed(self) -> &'static str {
        self.pick(
            "avainta ei annettu eikä tarvita",
            "no key given, and none needed",
        )
    }

    pub(crate) fn all_well(self) -> &'static str {
        self.pick("Kaikki toimii.", "Everything works.")
    }

    pub(crate) fn ok(self) -> &'static str {
        self.pick("kunnossa", "ok")
    }

    pub(crate) fn fail(self) -> &'static str {
        self.pick("vika", "fail")
    }

    pub(crate) fn unsure(self) -> &'static str {
        self.pick("avoin", "open")
    }
}
