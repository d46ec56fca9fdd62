//! Trouble for the nodes, by a seed, for as long as the clients ask.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use fastrand::Rng;

use crate::{
    nodes::Fleet,
    proxy::{Lie, Order},
};

/// From one trouble to the next, at most.
const PAUSE_MILLISECONDS: u64 = 1500;

/// A frozen or held node is silent for this long: below and above the hub's deadlines.
const SILENCE_MILLISECONDS: std::ops::Range<u64> = 200..8000;

/// Whoever finds his node away for so long starts it anew: its own waits double with every loss.
const AWAY: Duration = Duration::from_secs(6);

#[derive(Debug)]
pub(crate) struct Troubled<T> {
    pub(crate) outcome: T,
    pub(crate) counts: BTreeMap<&'static str, u32>,
}

#[derive(Default)]
struct Plight {
    /// When a frozen node is thawed, or a killed one comes back.
    until: Option<Instant>,
    frozen: bool,
    away_since: Option<Instant>,
}

/// Makes trouble until the work is done, then leaves every node running.
pub(crate) async fn during<T>(
    work: impl Future<Output = T>,
    fleet: &mut Fleet,
    rng: &mut Rng,
    hub: SocketAddr,
) -> anyhow::Result<Troubled<T>> {
    let mut work = std::pin::pin!(work);
    let mut counts = BTreeMap::new();
    let mut plights: Vec<Plight> = fleet.nodes.iter().map(|_| Plight::default()).collect();
    let mut next = Instant::now();
    let outcome = loop {
        tokio::select! {
            outcome = &mut work => break outcome,
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        mend(fleet, &mut plights, &mut counts)?;
        if Instant::now() < next {
            continue;
        }
        next = Instant::now() + Duration::from_millis(rng.u64(0..PAUSE_MILLISECONDS));
        let number = rng.usize(0..fleet.nodes.len());
        if plights[number].until.is_none() {
            let name = strike(fleet, number, &mut plights[number], rng)?;
            *counts.entry(name).or_default() += 1;
        }
    };
    for (node, plight) in fleet.nodes.iter_mut().zip(&plights) {
        if plight.frozen {
            node.thaw()?;
        }
        if !node.is_running() {
            node.restart()?;
        }
    }
    fleet.wait_until_joined(hub).await?;
    Ok(Troubled { outcome, counts })
}

fn strike(
    fleet: &mut Fleet,
    number: usize,
    plight: &mut Plight,
    rng: &mut Rng,
) -> anyhow::Result<&'static str> {
    let node = &mut fleet.nodes[number];
    let silence = Duration::from_millis(rng.u64(SILENCE_MILLISECONDS));
    Ok(match rng.u32(0..5) {
        0 => {
            node.kill()?;
            plight.until = Some(Instant::now() + silence / 4);
            "killed (-9)"
        }
        1 => {
            node.freeze()?;
            plight.frozen = true;
            plight.until = Some(Instant::now() + silence);
            "frozen (SIGSTOP)"
        }
        2 => {
            node.proxy.order(Order::Cut);
            "cut off"
        }
        3 => {
            node.proxy.order(Order::Hold(silence));
            "held up in the network"
        }
        _ => {
            let lie = Lie::ALL[rng.usize(0..Lie::ALL.len())];
            node.proxy.order(Order::Lie(lie));
            match lie {
                Lie::Gap => "lied for: a gap in seq",
                Lie::Repeat => "lied for: a frame twice",
                Lie::ForeignTask => "lied for: a foreign task",
                Lie::Oversize => "lied for: an oversize frame",
                Lie::Garbage => "lied for: half a frame",
                Lie::Binary => "lied for: a binary frame",
            }
        }
    })
}

/// Thaws and restarts what has been in trouble for long enough.
fn mend(
    fleet: &mut Fleet,
    plights: &mut [Plight],
    counts: &mut BTreeMap<&'static str, u32>,
) -> anyhow::Result<()> {
    let time = Instant::now();
    for (node, plight) in fleet.nodes.iter_mut().zip(plights) {
        if plight.until.is_some_and(|until| until <= time) {
            if plight.frozen {
                node.thaw()?;
            }
            if !node.is_running() {
                node.restart()?;
            }
            *plight = Plight::default();
        }
        if node.proxy.is_connected() || plight.until.is_some() {
            plight.away_since = None;
        } else if time - *plight.away_since.get_or_insert(time) > AWAY {
            node.restart()?;
            *plight = Plight::default();
            *counts.entry("started anew by their owner").or_default() += 1;
        }
    }
    Ok(())
}
