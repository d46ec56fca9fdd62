//! `kpn verify`: each link of the chain from here to an answer, one after another.

use std::time::{Duration, Instant};

use protocol::Stats;
use serde::Deserialize;
use serde_json::json;

use super::Context;
use crate::{
    error::Failure,
    hub::{ChatRequest, HubError, Message, Sampling},
    text::Text,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Check {
    Reachable,
    Version,
    Key,
    Models,
    Plain,
    Streamed,
    Cancel,
    Statistics,
}

const CHECKS: [Check; 8] = [
    Check::Reachable,
    Check::Version,
    Check::Key,
    Check::Models,
    Check::Plain,
    Check::Streamed,
    Check::Cancel,
    Check::Statistics,
];

/// How long a machine may take to notice that nobody waits, and a database to take up what was told.
const SOON: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How a check came out, in the reader's words.
enum Result {
    Ok(String),
    /// It could not be told.
    Open(&'static str),
    Failed(String, Option<Failure>),
}

#[derive(Debug, Deserialize)]
struct Health {
    version: String,
}

/// What later checks need from earlier ones.
#[derive(Default)]
struct Chain {
    version: String,
    model: String,
    before: Stats,
    text: String,
    /// Questions that the hub has heard from here.
    asked: u64,
}

pub(super) async fn run(context: &Context) -> std::result::Result<(), Failure> {
    let mut chain = Chain::default();
    let mut failed: Option<Failure> = None;
    let mut is_cut = false;
    for check in CHECKS {
        if is_cut {
            tell(context, check, &Result::Open(context.language.skipped()))?;
            continue;
        }
        let result = chain.check(context, check).await;
        tell(context, check, &result)?;
        if let Result::Failed(_, cause) = result {
            let cause = cause.unwrap_or(Failure::Check);
            // Of several failures the first says where to begin.
            failed.get_or_insert(cause);
            is_cut = check != Check::Streamed && check != Check::Cancel;
        }
    }
    match failed {
        None => {
            if !context.output.json {
                let well = context.language.all_well();
                context.output.line(Text::default().green(well))?;
            }
            Ok(())
        }
        // Its words are told; only the exit code is left.
        Some(failure) => Err(Failure::Told(Box::new(failure))),
    }
}

fn tell(context: &Context, check: Check, result: &Result) -> std::io::Result<()> {
    let language = context.language;
    let (state, detail) = match result {
        Result::Ok(detail) => ("ok", detail.as_str()),
        Result::Open(why) => ("open", *why),
        Result::Failed(why, _) => ("fail", why.as_str()),
    };
    if context.output.json {
        let value = json!({ "check": check, "state": state, "detail": detail });
        return context.output.json(&value);
    }
    let line = match result {
        Result::Ok(_) => Text::default().green(format!("{:<9}", language.ok())),
        Result::Open(_) => Text::default().yellow(format!("{:<9}", language.unsure())),
        Result::Failed(..) => Text::default().red(format!("{:<9}", language.fail())),
    };
    let line = line.plain(language.check(check));
    let line = if detail.is_empty() {
        line
    } else {
        line.dim(format!("  {detail}"))
    };
    context.output.line(line)
}

impl Chain {
    async fn check(&mut self, context: &Context, check: Check) -> Result {
        let checked = match check {
            Check::Reachable => self.reachable(context).await,
            Check::Version => return self.version(context),
            Check::Key => self.key(context).await,
            Check::Models => self.models(context).await,
            Check::Plain => self.plain(context).await,
            Check::Streamed => self.streamed(context).await,
            Check::Cancel => self.cancel(context).await,
            Check::Statistics => self.statistics(context).await,
        };
        checked.unwrap_or_else(|failure| {
            Result::Failed(context.language.failure(&failure), Some(failure))
        })
    }

    async fn reachable(&mut self, context: &Context) -> std::result::Result<Result, Failure> {
        let Health { version } = context.hub.get("/healthz").await?;
        self.version = version;
        Ok(Result::Ok(context.hub.url()))
    }

    fn version(&self, context: &Context) -> Result {
        let own = env!("CARGO_PKG_VERSION");
        if self.version == own {
            Result::Ok(own.to_owned())
        } else {
            Result::Ok(context.language.other_version(&self.version, own))
        }
    }

    async fn key(&mut self, context: &Context) -> std::result::Result<Result, Failure> {
        self.before = context.hub.get("/api/stats").await?;
        context.hub.models().await?;
        let language = context.language;
        let detail = match &context.settings.key {
            None => language.no_key_needed(),
            // A hub that asks for none reads only keys that it could have made.
            Some(_) => match context.hub.without_key().models().await {
                Ok(_) => language.key_not_asked_for(),
                Err(error) if error.is_key() => language.key_accepted(),
                Err(error) => return Err(error.into()),
            },
        };
        Ok(Result::Ok(detail.to_owned()))
    }

    async fn models(&mut self, context: &Context) -> std::result::Result<Result, Failure> {
        self.model = context.model().await?.id;
        Ok(Result::Ok(self.model.clone()))
    }

    async fn plain(&mut self, context: &Context) -> std::result::Result<Result, Failure> {
        let request = self.question("Count from 1 to 10.", 24);
        self.asked += 1;
        let (text, end) = context.hub.ask_plainly(&request).await?;
        self.text = text;
        if self.text.trim().is_empty() {
            return Ok(Result::Failed(
                context.language.empty_check().to_owned(),
                None,
            ));
        }
        let node = end.report.map(|report| report.node).unwrap_or_default();
        Ok(Result::Ok(node))
    }

    async fn streamed(&mut self, context: &Context) -> std::result::Result<Result, Failure> {
        let request = self.question("Count from 1 to 10.", 24);
        self.asked += 1;
        let mut answer = context.hub.ask(&request).await?;
        let mut text = String::new();
        while let Some(piece) = answer.next().await? {
            text.push_str(&piece);
        }
        if text == self.text {
            return Ok(Result::Ok(String::new()));
        }
        Ok(Result::Failed(
            context.language.answers_differ().to_owned(),
            None,
        ))
    }

    /// The hub tells how many answers are under way, not whose: where others ask as well, only their going is seen.
    async fn cancel(&mut self, context: &Context) -> std::result::Result<Result, Failure> {
        let before = running(context).await?;
        let request = self.question("Count from 1 to 1000, one number on each line.", 2000);
        let mut answer = context.hub.ask(&request).await?;
        self.asked += 1;
        if answer.next().await?.is_none() {
            return Ok(Result::Open(context.language.answered_too_soon()));
        }
        drop(answer);
        let begun = Instant::now();
        while begun.elapsed() < SOON {
            if running(context).await? <= before {
                return Ok(Result::Ok(String::new()));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        if before > 0 {
            return Ok(Result::Open(context.language.too_busy_to_tell()));
        }
        Ok(Result::Failed(
            context.language.not_freed(SOON.as_secs()),
            None,
        ))
    }

    async fn statistics(&mut self, context: &Context) -> std::result::Result<Result, Failure> {
        let begun = Instant::now();
        while begun.elapsed() < SOON {
            let now: Stats = context.hub.get("/api/stats").await?;
            let told = now
                .totals
                .prompts
                .saturating_sub(self.before.totals.prompts);
            if told >= self.asked {
                return Ok(Result::Ok(String::new()));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(Result::Failed(
            context.language.not_counted().to_owned(),
            None,
        ))
    }

    fn question(&self, question: &str, max_tokens: u32) -> ChatRequest {
        ChatRequest {
            model: self.model.clone(),
            messages: vec![Message::new("user", question)],
            sampling: Sampling {
                temperature: Some(0.0),
                seed: Some(1),
                max_tokens: Some(max_tokens),
                ..Sampling::default()
            },
            stop: Vec::new(),
        }
    }
}

async fn running(context: &Context) -> std::result::Result<u32, HubError> {
    let stats: Stats = context.hub.get("/api/stats").await?;
    Ok(stats.queue.running)
}
