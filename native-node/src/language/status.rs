//! What the node tells of itself: on its page and in `kipina-node status`.

use protocol::LlmErrorCode;

use super::Language;
use crate::status::{Connection, ConnectionState, PauseReason, Prompts, TroubleKind};

impl Language {
    pub fn pause_reason(self, reason: &PauseReason) -> String {
        match reason {
            PauseReason::OutsideHours { until } => self.pick(
                format!("ei työaikaa ennen kello {until}"),
                format!("outside its hours until {until}"),
            ),
            PauseReason::GpuTooHot {
                celsius,
                limit_celsius,
            } => self.pick(
                format!("näytönohjain on {celsius} °C, raja {limit_celsius} °C"),
                format!("the GPU is at {celsius} °C, the limit is {limit_celsius} °C"),
            ),
            PauseReason::GpuInUse { by: Some(by) } => self.pick(
                format!("näytönohjain on muussa käytössä: {by}"),
                format!("something else uses the GPU: {by}"),
            ),
            PauseReason::GpuInUse { by: None } => self
                .pick(
                    "näytönohjain on muussa käytössä",
                    "something else uses the GPU",
                )
                .to_owned(),
            PauseReason::OnBattery => self
                .pick("kone on akun varassa", "the machine runs on its battery")
                .to_owned(),
        }
    }
}

/// The labels of a report's rows.
#[derive(Debug)]
pub struct ReportWords {
    pub hub: &'static str,
    pub backend: &'static str,
    pub models: &'static str,
    pub none: &'static str,
    pub now: &'static str,
    pub answered: &'static str,
    pub speed: &'static str,
    pub last_error: &'static str,
    pub running_for: &'static str,
    pub version: &'static str,
}

impl Language {
    /// As in the attribute `lang` of a page.
    pub fn code(self) -> &'static str {
        self.pick("fi", "en")
    }

    pub fn report(self) -> ReportWords {
        ReportWords {
            hub: self.pick("Keskus", "Hub"),
            backend: self.pick("Laskee", "Computes with"),
            models: self.pick("Mallit", "Models"),
            none: self.pick("ei yhtään", "none"),
            now: self.pick("Laskee nyt", "Computing now"),
            answered: self.pick("Vastannut", "Answered"),
            speed: self.pick("Nopeus", "Speed"),
            last_error: self.pick("Viimeisin virhe", "Last error"),
            running_for: self.pick("Käynnissä", "Running for"),
            version: self.pick("Versio", "Version"),
        }
    }

    pub fn busy(self, busy: u32, slots: u32) -> String {
        self.pick(
            format!("pyyntöjä {busy}, enintään {slots}"),
            format!("{busy} of at most {slots} prompts"),
        )
    }

    pub fn answered(self, prompts: &Prompts) -> String {
        let Prompts {
            served,
            tokens,
            failed,
            cancelled,
            ..
        } = prompts;
        let prompts = if *served == 1 { "prompt" } else { "prompts" };
        let mut text = self.pick(
            format!("pyyntöihin {served}, tokeneita {tokens}"),
            format!("{served} {prompts}, {tokens} tokens"),
        );
        if *failed > 0 {
            text += &self.pick(
                format!("; epäonnistui {failed}"),
                format!("; {failed} failed"),
            );
        }
        if *cancelled > 0 {
            text += &self.pick(
                format!("; peruttiin {cancelled}"),
                format!("; {cancelled} cancelled"),
            );
        }
        text
    }

    pub fn speed(self, tokens_per_second: f64) -> String {
        let speed = format!("{tokens_per_second:.1}");
        self.pick(
            format!("{} tokenia/s", speed.replace('.', ",")),
            format!("{speed} tokens/s"),
        )
    }

    /// In the two largest units that it has.
    pub fn duration(self, seconds: u64) -> String {
        let (hour, day) = self.pick(("t", "pv"), ("h", "d"));
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
        match (days, hours, minutes) {
            (0, 0, 0) => format!("{seconds} s"),
            (0, 0, _) => format!("{minutes} min"),
            (0, _, _) => format!("{hours} {hour} {} min", minutes % 60),
            _ => format!("{days} {day} {} {hour}", hours % 24),
        }
    }

    pub fn ago(self, what: &str, duration: &str) -> String {
        self.pick(
            format!("{what} ({duration} sitten)"),
            format!("{what} ({duration} ago)"),
        )
    }

    pub fn paused_for(self, reason: &PauseReason, duration: &str) -> String {
        let reason = self.pause_reason(reason);
        self.pick(
            format!("Tauolla ({duration}): {reason}"),
            format!("Paused for {duration}: {reason}"),
        )
    }

    pub fn connection_for(self, connection: &Connection, duration: &str) -> String {
        let state = match connection.state {
            ConnectionState::Starting => self.pick("Käynnistyy", "Starting"),
            ConnectionState::Connecting => self.pick("Yhdistää keskukseen", "Connecting"),
            ConnectionState::Connected => self.pick("Yhdistetty", "Connected"),
            ConnectionState::Lost => {
                self.pick("Ei yhteyttä keskukseen", "No connection to the hub")
            }
            ConnectionState::Stopping => self.pick(
                "Vastaa keskeneräiset ja pysähtyy",
                "Finishing its last prompts",
            ),
        };
        let text = self.pick(
            format!("{state} ({duration})"),
            format!("{state} for {duration}"),
        );
        match &connection.reason {
            Some(reason) => format!("{text}: {}", self.loss_reason(reason)),
            None => text,
        }
    }

    pub fn trouble(self, trouble: &TroubleKind) -> String {
        match trouble {
            TroubleKind::Hub { reason } => {
                let reason = self.loss_reason(reason);
                self.pick(format!("keskus: {reason}"), format!("hub: {reason}"))
            }
            TroubleKind::Backend { message } => message.clone(),
            TroubleKind::Prompt { model, code } => format!("{model}: {}", self.failure(*code)),
        }
    }

    fn failure(self, code: LlmErrorCode) -> &'static str {
        match code {
            LlmErrorCode::ContextLengthExceeded => self.pick(
                "pyyntö ei mahtunut mallin kontekstiin",
                "the prompt did not fit the model's context",
            ),
            LlmErrorCode::InvalidRequest => {
                self.pick("pyyntö oli mahdoton", "the request was not possible")
            }
            LlmErrorCode::ModelUnavailable => self.pick("mallia ei ole", "there is no such model"),
            LlmErrorCode::Unavailable => self.pick("ei ehtinyt", "it was busy"),
            LlmErrorCode::OutOfMemory => self.pick("muisti loppui", "out of memory"),
            LlmErrorCode::BackendFailed | LlmErrorCode::Other => {
                self.pick("laskenta epäonnistui", "computing failed")
            }
        }
    }

    pub fn no_node_runs(self) -> &'static str {
        self.pick(
            "Solmu ei ole käynnissä. Käynnistä: kipina-node",
            "No node runs here. Start one: kipina-node",
        )
    }

    pub fn node_is_silent(self, pid: u32) -> String {
        self.pick(
            format!("Solmu (pid {pid}) ei vastaa. Pysäytä se ja käynnistä uudelleen."),
            format!("The node (pid {pid}) gives no answer. Stop it and start it again."),
        )
    }

    pub fn page_is_at(self, address: &str) -> String {
        self.pick(
            format!("Tilasivu: {address}"),
            format!("Status page: {address}"),
        )
    }

    pub fn page_moved(self, port: u16, address: &str) -> String {
        self.pick(
            format!("Portti {port} on varattu. Tilasivu: {address}"),
            format!("Port {port} is taken. Status page: {address}"),
        )
    }

    pub fn no_page(self, reason: &str) -> String {
        self.pick(
            format!("Tilasivua ei ole ({reason}). Solmu toimii ilmankin."),
            format!("There is no status page ({reason}). The node works without."),
        )
    }

    pub fn page_lost(self) -> &'static str {
        self.pick(
            "Solmu ei vastaa: se on pysäytetty, tai kone nukkuu.",
            "The node gives no answer: it was stopped, or the machine sleeps.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        for (seconds, finnish, english) in [
            (0, "0 s", "0 s"),
            (59, "59 s", "59 s"),
            (60, "1 min", "1 min"),
            (3599, "59 min", "59 min"),
            (3600, "1 t 0 min", "1 h 0 min"),
            (86_400 * 2 + 3600 * 5, "2 pv 5 t", "2 d 5 h"),
        ] {
            assert_eq!(Language::Finnish.duration(seconds), finnish);
            assert_eq!(Language::English.duration(seconds), english);
        }
    }
}
