//! `kpn stats`: what the network does, now or for as long as somebody watches.

use std::{io, time::Duration};

use protocol::Stats;
use unicode_width::UnicodeWidthStr;

use super::Context;
use crate::{error::Failure, hub::HubError, text::Text};

const LEAST_PAUSE: Duration = Duration::from_secs(1);
const MOST_PAUSE: Duration = Duration::from_secs(30);

pub(super) async fn run(context: &Context, watch: bool) -> Result<(), Failure> {
    if watch {
        return follow(context).await;
    }
    let stats: Stats = context.hub.get("/api/stats").await?;
    let output = context.output;
    if output.json {
        return Ok(output.json(&stats)?);
    }
    let lines = context.language.stats_lines(&stats);
    let width = lines
        .iter()
        .map(|[name, _]| name.width())
        .max()
        .unwrap_or(0);
    let longest = lines
        .iter()
        .map(|[_, value]| value.width())
        .max()
        .unwrap_or(0);
    for [name, value] in &lines {
        let gap = " ".repeat(width - name.width() + longest - value.width());
        output.line(
            Text::default()
                .dim(name.as_str())
                .plain(format!("{gap}  {value}")),
        )?;
    }
    Ok(())
}

/// A hub that goes away comes back: it is listened to again. One that can't be reached at first is an error.
async fn follow(context: &Context) -> Result<(), Failure> {
    let mut live = context.hub.live_stats().await?;
    let mut pause = LEAST_PAUSE;
    loop {
        let error = loop {
            match live.next().await {
                Ok(Some(stats)) => {
                    pause = LEAST_PAUSE;
                    tell(context, &stats)?;
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        let reason = match &error {
            Some(error) => context.language.hub_error(error),
            None => context.language.feed_ended().to_owned(),
        };
        let again = context.language.listening_again(&reason);
        context.output.note(Text::default().yellow(again))?;
        live = loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MOST_PAUSE);
            match context.hub.live_stats().await {
                Ok(live) => break live,
                Err(error) if is_final(&error) => return Err(error.into()),
                Err(_) => {}
            }
        };
    }
}

/// Waiting does not change it.
fn is_final(error: &HubError) -> bool {
    match error {
        HubError::Unreachable { .. } => false,
        HubError::Refused { status, .. } => !matches!(status, 429 | 500..),
        HubError::Unreadable { .. } => true,
    }
}

fn tell(context: &Context, stats: &Stats) -> io::Result<()> {
    if context.output.json {
        context.output.json(stats)
    } else {
        context.output.line(context.language.stats_line(stats))
    }
}
