//! The hub itself is killed under load, and started again on the same port and database.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, SystemTime},
};

use fastrand::Rng;
use hub_bench::process::HubProcess;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    Given, SETTINGS,
    prompts::ANSWER_TOKENS,
    streams::{self, Streamed},
};

/// How long a hub runs under load before it is killed.
const LIFE_MILLISECONDS: std::ops::Range<u64> = 8000..14_000;

/// An outcome is in the database once its client has had the answer's end for so long.
pub(crate) const COMMITTED_AFTER: Duration = Duration::from_secs(1);

/// Between two tries of a client whose hub is away.
const RETRY: Duration = Duration::from_millis(300);

#[derive(Debug, Default)]
pub(crate) struct Outages {
    pub(crate) killed: usize,
    /// Answers whose end was seen long enough before a kill.
    pub(crate) committed: Vec<String>,
    /// Those seen right before it: they may be lost.
    pub(crate) fresh: Vec<String>,
    /// Streams that a kill cut off.
    pub(crate) cut: usize,
    /// Prompts that were asked again after it, and answered.
    pub(crate) answered_again: usize,
}

pub(crate) async fn kill_the_hub(
    given: &Given,
    mut hub: HubProcess,
    folder: &Path,
    prompts: &[String],
    rng: &mut Rng,
) -> anyhow::Result<Outages> {
    let address = hub.address;
    let port = address.port().to_string();
    let settings = [&SETTINGS[..], &[("PORT", port.as_str())]].concat();
    let mut outages = Outages::default();
    for _ in 0..given.kills {
        let mut clients = JoinSet::new();
        for client in 0..given.clients {
            let prompts = prompts.to_owned();
            clients.spawn(async move { ask_until_the_hub_dies(address, &prompts, client).await });
        }
        sleep(Duration::from_millis(rng.u64(LIFE_MILLISECONDS))).await;
        let killed = SystemTime::now();
        hub.kill()?;
        outages.killed += 1;
        let ended = clients.join_all().await;
        hub = HubProcess::start(&given.hub, folder, &settings)?;

        let mut again = JoinSet::new();
        for (whole, cut) in ended {
            for streamed in whole {
                let task = streamed.task.unwrap_or_default();
                let seen = killed.duration_since(streamed.ended).unwrap_or_default();
                if seen >= COMMITTED_AFTER {
                    outages.committed.push(task);
                } else {
                    outages.fresh.push(task);
                }
            }
            outages.cut += 1;
            again.spawn(ask_until_answered(address, cut.prompt));
        }
        outages.answered_again += again.join_all().await.iter().filter(|ok| **ok).count();
    }
    hub.stop()?;
    Ok(outages)
}

/// The answers that came whole, and the one that did not.
async fn ask_until_the_hub_dies(
    hub: SocketAddr,
    prompts: &[String],
    first: usize,
) -> (Vec<Streamed>, Streamed) {
    let mut whole = Vec::new();
    let mut turn = prompts.iter().cycle().skip(first);
    loop {
        let prompt = turn.next().cloned().unwrap_or_default();
        let streamed = streams::one(hub, prompt).await;
        if streamed.lost.is_some() {
            return (whole, streamed);
        }
        whole.push(streamed);
    }
}

/// As a client does whose hub went away; its nodes are on their way back, too.
async fn ask_until_answered(hub: SocketAddr, prompt: String) -> bool {
    for _ in 0..u32::from(u8::MAX) + ANSWER_TOKENS {
        if streams::one(hub, prompt.clone()).await.lost.is_none() {
            return true;
        }
        sleep(RETRY).await;
    }
    false
}
