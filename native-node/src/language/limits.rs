//! Why the node rests.

use super::Language;
use crate::status::PauseReason;

impl Language {
    pub fn paused(self, reason: &PauseReason) -> String {
        let why = self.pause_reason(reason);
        self.pick(
            format!("Tauko: {why}. Keskeneräiset lasketaan loppuun."),
            format!("Paused: {why}. What has begun is finished."),
        )
    }

    pub fn resumed(self) -> &'static str {
        self.pick(
            "Tauko päättyi: lasketaan taas.",
            "The pause is over: computing again.",
        )
    }

    pub fn limit_not_kept(self, flag: &str) -> String {
        self.pick(
            format!("{flag}: tämän koneen näytönohjain ei kerro sitä, joten raja ei vaikuta."),
            format!("{flag}: this machine's GPU does not tell, so that limit has no effect."),
        )
    }
}
