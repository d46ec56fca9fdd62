//! Clients of every kind, good and bad.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use fastrand::Rng;
use hub_bench::{
    client::{AskError, Connection},
    node::MODEL,
};
use serde_json::json;
use tokio::{
    sync::mpsc::UnboundedSender,
    time::{Instant, sleep, timeout},
};

use crate::day::Day;

/// A client that leaves does so somewhere within this time.
const LEAVES_WITHIN_MILLISECONDS: u64 = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Streamed,
    Plain,
    Left,
    Refused,
    Looked,
    Listened,
    Broken,
}

#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<Kind, u32>);

impl Counts {
    pub(crate) fn add(&mut self, kind: Kind) {
        *self.0.entry(kind).or_default() += 1;
    }

    pub(crate) fn words(&self) -> String {
        let words = self.0.iter().map(|(kind, count)| {
            let name = match kind {
                Kind::Streamed => "streamed answers",
                Kind::Plain => "plain answers",
                Kind::Left => "clients that left before the end",
                Kind::Refused => "requests that make no sense",
                Kind::Looked => "looks at statistics and models",
                Kind::Listened => "listeners to the live feed",
                Kind::Broken => "answers that ended in an error",
            };
            format!("{count} {name}")
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

pub(crate) struct Client {
    hub: SocketAddr,
    day: Day,
    rng: Rng,
    told: UnboundedSender<Kind>,
    connection: Option<Connection>,
}

impl Client {
    pub(crate) fn new(hub: SocketAddr, day: Day, rng: Rng, told: UnboundedSender<Kind>) -> Self {
        Self {
            hub,
            day,
            rng,
            told,
            connection: None,
        }
    }

    /// One of `clients` that together ask what a day has.
    pub(crate) async fn ask_all_day(mut self, start: Instant, clients: usize) {
        let usual = self
            .day
            .length
            .mul_f64(clients as f64 / f64::from(self.day.prompts));
        while !self.day.is_over(start.elapsed()) {
            // As calls come that know nothing of each other.
            let pause = -self.rng.f64().max(1e-9).ln() / self.day.busy(start.elapsed());
            sleep(usual.mul_f64(pause)).await;
            let kind = match self.ask().await {
                Ok(kind) => kind,
                Err(error) => {
                    self.connection = None;
                    eprintln!("a client's connection broke: {error}");
                    Kind::Broken
                }
            };
            // Whoever counts may have stopped.
            let _ = self.told.send(kind);
        }
    }

    async fn ask(&mut self) -> Result<Kind, AskError> {
        match self.rng.u32(0..100) {
            0..60 => self.chat(true).await,
            60..78 => self.chat(false).await,
            78..88 => self.leave().await,
            88..92 => self.talk_nonsense().await,
            92..98 => self.look().await,
            _ => self.listen().await,
        }
    }

    async fn chat(&mut self, stream: bool) -> Result<Kind, AskError> {
        let body = body(stream, &mut self.rng);
        let (mut done, mut failed) = (false, false);
        let connection = self.connection().await?;
        let reply = connection
            .post("/v1/chat/completions", &body, |event, _| {
                done |= event == b"data: [DONE]";
                failed |= event.starts_with(b"data: {\"error\"");
            })
            .await?;
        if reply.status != 200 || failed || (stream && !done) {
            return Ok(Kind::Broken);
        }
        Ok(if stream { Kind::Streamed } else { Kind::Plain })
    }

    /// Goes away while it waits, or in the middle of the answer.
    async fn leave(&mut self) -> Result<Kind, AskError> {
        let patience = Duration::from_millis(self.rng.u64(0..LEAVES_WITHIN_MILLISECONDS));
        let body = body(true, &mut self.rng);
        let mut connection = Connection::open(self.hub, None).await?;
        let asked = connection.post("/v1/chat/completions", &body, |_, _| {});
        match timeout(patience, asked).await {
            Ok(_answered) => Ok(Kind::Streamed),
            Err(_elapsed) => Ok(Kind::Left),
        }
    }

    async fn talk_nonsense(&mut self) -> Result<Kind, AskError> {
        const NONSENSE: [&str; 4] = [
            "{",
            r#"{"model":"no-such-model","messages":[{"role":"user","content":"a"}]}"#,
            r#"{"model":"qwen2.5-coder:0.5b","messages":7}"#,
            r#"{"model":"qwen2.5-coder:0.5b","messages":[],"n":9}"#,
        ];
        let body = NONSENSE[self.rng.usize(0..NONSENSE.len())];
        let connection = self.connection().await?;
        let reply = connection
            .post("/v1/chat/completions", body, |_, _| {})
            .await?;
        Ok(if reply.status >= 400 {
            Kind::Refused
        } else {
            Kind::Broken
        })
    }

    async fn look(&mut self) -> Result<Kind, AskError> {
        const PATHS: [&str; 5] = ["/api/stats", "/v1/models", "/api/models", "/healthz", "/"];
        let path = PATHS[self.rng.usize(0..PATHS.len())];
        let reply = self.connection().await?.get(path).await?;
        Ok(if reply.status == 200 {
            Kind::Looked
        } else {
            Kind::Broken
        })
    }

    async fn listen(&mut self) -> Result<Kind, AskError> {
        let mut connection = Connection::open(self.hub, None).await?;
        // It never ends by itself.
        let _ = timeout(
            Duration::from_millis(300),
            connection.get("/api/stats/live"),
        )
        .await;
        Ok(Kind::Listened)
    }

    async fn connection(&mut self) -> Result<&mut Connection, AskError> {
        let open = match self.connection.take() {
            // Some clients keep a connection for long, some don't.
            Some(open) if self.rng.u32(0..20) > 0 => open,
            _ => Connection::open(self.hub, None).await?,
        };
        Ok(self.connection.insert(open))
    }
}

/// Prompts of very different lengths.
fn body(stream: bool, rng: &mut Rng) -> String {
    let words = 1 << rng.u32(2..12);
    json!({
        "model": MODEL, "stream": stream,
        "messages": [{"role": "user", "content": "word ".repeat(words)}],
    })
    .to_string()
}
