//! One stream on an idle hub: what a prompt costs, and what a token frame costs.

use std::time::Duration;

use hub_bench::{client::Connection, figures::Sorted, node::Pace, observed::ask, setting::Setting};

use crate::Given;

const PROMPTS: usize = 500;

/// Frames of one answer where the frames are what is measured: below a burst that the hub allows, and what
/// it keeps for a reader.
const FRAMES: u64 = 1000;
const ANSWERS: usize = 20;

pub(crate) async fn measure(given: &Given) -> anyhow::Result<String> {
    let prompts = answers(given, 1, PROMPTS, Duration::ZERO).await?;
    // Between two bursts the hub's limit of frames a second has time to forget the one before.
    let bursts = answers(given, FRAMES, ANSWERS, Duration::from_secs(1)).await?;
    Ok(format!(
        "One stream on an idle hub: a prompt with an answer of one token {}; {FRAMES} token frames as fast as they \
         go {:.1} µs each.\n",
        prompts.words(),
        bursts.median() * 1000.0 / FRAMES as f64
    ))
}

/// The round trips of answers that come one after the other.
async fn answers(
    given: &Given,
    tokens: u64,
    count: usize,
    pause: Duration,
) -> anyhow::Result<Sorted> {
    let pace = Pace {
        tokens,
        every: Duration::ZERO,
    };
    let setting = Setting::with_nodes(&given.hub, 1, 1, pace).await?;
    let mut connection = Connection::open(setting.hub.address, None).await?;
    let mut round_trips = Vec::new();
    for _ in 0..count {
        let observed = ask(&mut connection, tokens).await?;
        anyhow::ensure!(observed.complete, "frames were lost");
        round_trips.push(observed.whole);
        tokio::time::sleep(pause).await;
    }
    Ok(round_trips.into_iter().collect())
}
