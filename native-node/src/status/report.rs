//! A snapshot in words: the same for the page and for the terminal.

use serde::Serialize;

use super::{ConnectionState, Snapshot};
use crate::language::Language;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub name: String,
    pub mood: Mood,
    /// As in `Connected for 3 h 20 min`.
    pub headline: String,
    pub rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    Good,
    /// Nothing is wrong, but no prompts come.
    Waiting,
    Bad,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    pub label: &'static str,
    pub value: String,
}

impl Report {
    /// `now`: seconds since 1970.
    pub fn new(snapshot: &Snapshot, language: Language, now: u64) -> Self {
        let words = language.report();
        let ago = |at: u64| language.duration(now.saturating_sub(at));
        let mut rows = Vec::new();
        let mut row = |label, value| rows.push(Row { label, value });
        let connection = &snapshot.connection;
        if let Some(hub) = &snapshot.hub {
            row(words.hub, hub.clone());
        }
        if let Some(backend) = &snapshot.backend {
            let processor = snapshot.processor.as_ref();
            let with = processor.map(|processor| language.processor(processor));
            let parts: Vec<_> = [Some(backend.clone()), with]
                .into_iter()
                .flatten()
                .collect();
            row(words.backend, parts.join(", "));
        }
        let models = if snapshot.models.is_empty() {
            words.none.to_owned()
        } else {
            snapshot.models.join(", ")
        };
        row(words.models, models);
        row(words.now, language.busy(snapshot.busy, snapshot.slots));
        row(words.answered, language.answered(&snapshot.prompts));
        if let Some(speed) = snapshot.prompts.tokens_per_second {
            row(words.speed, language.speed(speed));
        }
        if let Some(trouble) = &snapshot.last_error {
            let what = language.trouble(&trouble.what);
            row(words.last_error, language.ago(&what, &ago(trouble.at)));
        }
        row(words.running_for, ago(snapshot.started_at));
        row(
            words.version,
            format!("{} (pid {})", snapshot.version, snapshot.pid),
        );

        let is_connected = connection.state == ConnectionState::Connected;
        let (mood, headline) = match &snapshot.paused {
            Some(pause) if is_connected => (
                Mood::Waiting,
                language.paused_for(&pause.reason, &ago(pause.since_at)),
            ),
            _ => (
                mood(connection.state),
                language.connection_for(connection, &ago(connection.since_at)),
            ),
        };
        Self {
            name: snapshot
                .name
                .clone()
                .unwrap_or_else(|| "kipina-node".to_owned()),
            mood,
            headline,
            rows,
        }
    }
}

fn mood(state: ConnectionState) -> Mood {
    match state {
        ConnectionState::Connected => Mood::Good,
        ConnectionState::Starting | ConnectionState::Connecting | ConnectionState::Stopping => {
            Mood::Waiting
        }
        ConnectionState::Lost => Mood::Bad,
    }
}

#[cfg(test)]
mod tests {
    use protocol::LlmErrorCode;

    use super::*;
    use crate::{
        error::LossReason,
        status::{Connection, Pause, PauseReason, Processor, Trouble, TroubleKind},
    };

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::new(7, 1000);
        snapshot.name = Some("Sauna".into());
        snapshot.hub = Some("wss://kipina.studio/ws".into());
        snapshot.models = vec!["a".into(), "b".into()];
        (snapshot.slots, snapshot.busy) = (2, 1);
        snapshot.connection = Connection {
            state: ConnectionState::Connected,
            reason: None,
            since_at: 1010,
        };
        snapshot.prompts.served = 3;
        snapshot.prompts.tokens = 1234;
        snapshot.prompts.tokens_per_second = Some(93.44);
        snapshot
    }

    fn text(snapshot: &Snapshot, language: Language) -> String {
        let report = Report::new(snapshot, language, 1010 + 3600 * 3 + 60 * 20);
        let rows = report.rows.iter();
        let rows: String = rows
            .map(|row| format!("\n{}: {}", row.label, row.value))
            .collect();
        format!("{:?} {}{rows}", report.mood, report.headline)
    }

    #[test]
    fn a_node_that_serves_tells_how_it_goes_in_both_languages() {
        assert_eq!(
            text(&snapshot(), Language::English),
            "Good Connected for 3 h 20 min\nHub: wss://kipina.studio/ws\nModels: a, b\n\
             Computing now: 1 of at most 2 prompts\nAnswered: 3 prompts, 1234 tokens\n\
             Speed: 93.4 tokens/s\nRunning for: 3 h 20 min\nVersion: 0.1.0 (pid 7)"
        );
        assert_eq!(
            text(&snapshot(), Language::Finnish),
            "Good Yhdistetty (3 t 20 min)\nKeskus: wss://kipina.studio/ws\nMallit: a, b\n\
             Laskee nyt: pyyntöjä 1, enintään 2\nVastannut: pyyntöihin 3, tokeneita 1234\n\
             Nopeus: 93,4 tokenia/s\nKäynnissä: 3 t 20 min\nVersio: 0.1.0 (pid 7)"
        );
    }

    #[test]
    fn an_engine_tells_what_it_computes_with() {
        let mut engine = snapshot();
        engine.backend = Some("kipina-engine 0.1.0".into());
        let adapter = "NVIDIA GeForce RTX 4090".to_owned();
        for (processor, finnish, english) in [
            (
                Processor::Gpu { adapter },
                "näytönohjain NVIDIA GeForce RTX 4090",
                "GPU NVIDIA GeForce RTX 4090",
            ),
            (
                Processor::Cpu { threads: 8 },
                "suoritin, säikeitä 8",
                "CPU, 8 threads",
            ),
        ] {
            engine.processor = Some(processor);
            for (language, label, words) in [
                (Language::Finnish, "Laskee", finnish),
                (Language::English, "Computes with", english),
            ] {
                let shown = text(&engine, language);
                let line = format!("\n{label}: kipina-engine 0.1.0, {words}\n");
                assert!(shown.contains(&line), "{shown}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_reason() {
        let mut lost = snapshot();
        lost.connection.state = ConnectionState::Lost;
        lost.connection.reason = Some(LossReason::NoAnswer);
        let (model, code) = ("a".to_owned(), LlmErrorCode::OutOfMemory);
        lost.last_error = Some(Trouble {
            what: TroubleKind::Prompt { model, code },
            at: 1010,
        });
        for (language, parts) in [
            (
                Language::English,
                ["Bad No connection", "it does not answer", "out of memory"],
            ),
            (
                Language::Finnish,
                ["Bad Ei yhteyttä", "se ei vastaa", "muisti loppui"],
            ),
        ] {
            let text = text(&lost, language);
            for part in parts {
                assert!(text.contains(part), "{part} is missing from:\n{text}");
            }
        }
    }

    #[test]
    fn a_pause_goes_before_a_connection_but_not_before_its_loss() {
        let mut paused = snapshot();
        paused.paused = Some(Pause {
            reason: PauseReason::GpuInUse { by: None },
            since_at: 1010,
        });
        let shown = text(&paused, Language::English);
        assert!(
            shown.starts_with("Waiting Paused for 3 h 20 min: "),
            "{shown}"
        );
        paused.connection.state = ConnectionState::Lost;
        let shown = text(&paused, Language::English);
        assert!(shown.starts_with("Bad "), "{shown}");
    }
}
