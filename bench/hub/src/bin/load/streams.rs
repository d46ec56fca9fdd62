//! Many streams at once, each of 64 deltas 20 ms apart.

use std::{net::SocketAddr, time::Duration};

use hub_bench::{
    client::Connection,
    figures::{Sorted, milliseconds},
    node::Pace,
    observed::{Observed, ask},
    process,
    setting::Setting,
};
use tokio::task::JoinSet;

use crate::{Given, verdict::Verdicts};

pub(crate) const TOKENS: u64 = 64;
pub(crate) const PACE: Pace = Pace {
    tokens: TOKENS,
    every: Duration::from_millis(20),
};

/// A node has so many of the streams, and room for a few more.
const STREAMS_PER_NODE: u32 = 10;
const SLOTS: u32 = 12;

/// Answers that each client asks for, one after the other. The first is not counted: it opens
/// the connections, and brings the streams out of step.
const ROUNDS: usize = 6;

/// Ten times the pace.
const STALL: Duration = Duration::from_millis(200);
const MOST_ERRORS: f64 = 0.001;

pub(crate) async fn measure(given: &Given, verdicts: &mut Verdicts) -> anyhow::Result<String> {
    let streams = given.streams;
    let nodes = streams.div_ceil(STREAMS_PER_NODE);
    let setting = Setting::with_nodes(&given.hub, nodes, SLOTS, PACE).await?;
    let hub = &setting.hub;
    let idle = hub.memory_bytes()?;
    let before = (
        hub.computed()?,
        process::computed(std::process::id())?,
        hub_bench::stamp::now(),
    );
    let figures = Figures::of(&run(hub.address, streams, ROUNDS).await);
    let took = hub_bench::stamp::now() - before.2;
    let share = |computed: Duration| computed.as_secs_f64() / took.as_secs_f64();
    let hub_share = share(hub.computed()? - before.0);
    let own_share = share(process::computed(std::process::id())? - before.1);
    let memory = hub.memory_bytes()?.saturating_sub(idle) as f64 / f64::from(streams) / 1024.0;

    verdicts.add(
        &format!("{streams} concurrent streams: no stall over 10 × the pace"),
        format!(
            "longest wait {:.1} ms (pace 20 ms)",
            milliseconds(figures.longest_gap)
        ),
        figures.longest_gap <= STALL,
    );
    let errors = figures.broken as f64 / figures.answers as f64;
    verdicts.add(
        "fewer than 0.1 % errors",
        format!("{} of {} answers", figures.broken, figures.answers),
        errors < MOST_ERRORS,
    );
    Ok(format!(
        "{streams} concurrent streams over {nodes} nodes, {TOKENS} deltas 20 ms apart, {} answers:\n\n\
         - added time to first token: {}\n- added time per frame: {}\n\
         - added between two frames, against the node's own schedule: {}\n\
         - processors: the hub {hub_share:.2}, nodes and clients {own_share:.2}; {:.0} frames a second; memory \
         {memory:.1} KB a stream\n",
        figures.answers,
        figures.first_tokens.words(),
        figures.frames.words(),
        figures.late.words(),
        figures.frames.len() as f64 / took.as_secs_f64(),
    ))
}

/// All answers of all streams. One that the connection broke under stands as incomplete.
pub(crate) async fn run(hub: SocketAddr, streams: u32, rounds: usize) -> Vec<Vec<Observed>> {
    let mut running = JoinSet::new();
    for number in 0..streams {
        // Real clients do not all start in the same instant: these start within one answer's time.
        let answer_time = PACE.every * u32::try_from(TOKENS).unwrap_or(u32::MAX);
        let start = answer_time * number / streams;
        running.spawn(async move {
            tokio::time::sleep(start).await;
            let mut answers = Vec::new();
            let mut connection = None;
            for _ in 0..rounds {
                let answer = async {
                    let mut open = match connection.take() {
                        Some(open) => open,
                        None => Connection::open(hub, None).await?,
                    };
                    let observed = ask(&mut open, TOKENS).await?;
                    Ok::<_, hub_bench::client::AskError>((open, observed))
                };
                match answer.await {
                    Ok((open, observed)) => {
                        connection = Some(open);
                        answers.push(observed);
                    }
                    Err(error) => {
                        eprintln!("a stream broke: {error}");
                        answers.push(Observed::default());
                    }
                }
            }
            answers
        });
    }
    running.join_all().await
}

#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) first_tokens: Sorted,
    pub(crate) frames: Sorted,
    pub(crate) late: Sorted,
    pub(crate) longest_gap: Duration,
    pub(crate) answers: usize,
    pub(crate) broken: usize,
}

impl Figures {
    pub(crate) fn of(streams: &[Vec<Observed>]) -> Self {
        let all = || streams.iter().flatten();
        let counted = || streams.iter().flat_map(|answers| &answers[1..]);
        Self {
            first_tokens: counted().map(|answer| answer.first_token).collect(),
            frames: counted().flat_map(|answer| answer.frames.clone()).collect(),
            late: counted().flat_map(|answer| answer.late.clone()).collect(),
            longest_gap: all()
                .map(|answer| answer.longest_gap)
                .max()
                .unwrap_or_default(),
            answers: all().count(),
            broken: all().filter(|answer| !answer.complete).count(),
        }
    }
}
