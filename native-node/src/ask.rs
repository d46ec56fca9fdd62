//! `kipina-node status`: asks the nodes of this machine what they are doing.

use std::{fs, net::Ipv4Addr, time::Duration};

use reqwest::Client;

use crate::{
    language::Language,
    page::Places,
    status::{ConnectionState, Report, Snapshot, now},
    tls,
};

/// A node that computes answers at once; one that was stopped with a signal never does.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What a node was found to be doing.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Its own words, and what they mean.
    Told(String, Box<Snapshot>),
    /// Something listens there, but gives no answer.
    Silent { pid: u32 },
}

/// How `kipina-node status` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    AllConnected,
    NotAllConnected,
    NoNodeRuns,
}

impl Verdict {
    pub fn of(answers: &[Answer]) -> Self {
        let is_connected = |answer: &Answer| match answer {
            Answer::Told(_, node) => node.connection.state == ConnectionState::Connected,
            Answer::Silent { .. } => false,
        };
        if answers.is_empty() {
            Self::NoNodeRuns
        } else if answers.iter().all(is_connected) {
            Self::AllConnected
        } else {
            Self::NotAllConnected
        }
    }

    pub fn exit_code(self) -> u8 {
        match self {
            Self::AllConnected => 0,
            Self::NotAllConnected => 1,
            Self::NoNodeRuns => 3,
        }
    }
}

/// Every node that runs and has a page. Files that dead nodes left behind are tidied away; where
/// there is no file at all, `usual_port` is asked.
pub async fn nodes(places: &Places, usual_port: u16) -> Vec<Answer> {
    let Some(client) = client() else {
        return Vec::new();
    };
    let mut answers = Vec::new();
    for found in places.found() {
        let address = found.address;
        match ask(&client, address.port).await {
            Asked::Told(text, node) if node.pid == address.pid => {
                answers.push(Answer::Told(text, node));
            }
            Asked::Silent => answers.push(Answer::Silent { pid: address.pid }),
            Asked::Told(..) | Asked::NoNode => {
                // It may be somebody else's, or gone already.
                let _ = fs::remove_file(&found.file);
            }
        }
    }
    if answers.is_empty()
        && let Asked::Told(text, node) = ask(&client, usual_port).await
    {
        answers.push(Answer::Told(text, node));
    }
    answers
}

enum Asked {
    Told(String, Box<Snapshot>),
    Silent,
    NoNode,
}

async fn ask(client: &Client, port: u16) -> Asked {
    let url = format!("http://{}:{port}/status.json", Ipv4Addr::LOCALHOST);
    let exchange = async { client.get(url).send().await?.text().await };
    match exchange.await {
        Ok(text) => match serde_json::from_str(&text) {
            Ok(node) => Asked::Told(text, node),
            Err(_) => Asked::NoNode,
        },
        Err(error) if error.is_timeout() => Asked::Silent,
        Err(_) => Asked::NoNode,
    }
}

fn client() -> Option<Client> {
    let tls = tls::client_config().ok()?;
    let builder = Client::builder().tls_backend_preconfigured((*tls).clone());
    builder.no_proxy().timeout(TIMEOUT).build().ok()
}

/// For a person: a paragraph per node.
pub fn in_words(answers: &[Answer], language: Language) -> String {
    let paragraphs = answers.iter().map(|answer| match answer {
        Answer::Told(_, node) => paragraph(&Report::new(node, language, now())),
        Answer::Silent { pid } => format!("{}\n", language.node_is_silent(*pid)),
    });
    paragraphs.collect::<Vec<_>>().join("\n")
}

/// For a program: a line per node that told.
pub fn as_json(answers: &[Answer]) -> String {
    let lines = answers.iter().filter_map(|answer| match answer {
        Answer::Told(text, _) => Some(format!("{}\n", text.trim())),
        Answer::Silent { .. } => None,
    });
    lines.collect()
}

fn paragraph(report: &Report) -> String {
    let labels = report.rows.iter().map(|row| row.label.chars().count());
    let width = labels.max().unwrap_or_default();
    let mut text = format!("{}: {}\n", report.name, report.headline);
    for row in &report.rows {
        text += &format!("  {:width$}  {}\n", row.label, row.value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Status;

    fn told(change: impl FnOnce(&Status)) -> Answer {
        let status = Status::default();
        change(&status);
        let snapshot = status.watch().borrow().clone();
        Answer::Told("{}".into(), Box::new(snapshot))
    }

    #[test]
    fn the_exit_code_tells_how_it_goes() {
        let connected = || told(Status::connected);
        assert_eq!(Verdict::of(&[]).exit_code(), 3);
        assert_eq!(Verdict::of(&[connected(), connected()]).exit_code(), 0);
        assert_eq!(Verdict::of(&[connected(), told(|_| {})]).exit_code(), 1);
        assert_eq!(Verdict::of(&[Answer::Silent { pid: 1 }]).exit_code(), 1);
    }

    #[test]
    fn every_node_has_a_paragraph_or_a_line() {
        let answers = [
            told(|status| status.started("Sauna", "ws://hub/ws", 1)),
            Answer::Silent { pid: 17 },
        ];
        let words = in_words(&answers, Language::English);
        assert!(
            words.starts_with("Sauna: Connecting for 0 s\n  Hub "),
            "{words}"
        );
        assert!(words.contains("pid 17"), "{words}");
        assert_eq!(as_json(&answers), "{}\n");
    }
}
