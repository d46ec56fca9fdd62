//! 200 streams at once through fake nodes, each of 64 deltas, 20 ms apart.

use std::fmt;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::client::{Observed, ask};
use crate::node::{Pace, join};
use crate::support::hub::TestHub;

const STREAMS: u32 = 200;
const NODES: u32 = 10;
const TOKENS: u64 = 64;
const BETWEEN_TOKENS: Duration = Duration::from_millis(20);

/// Answers that each client asks for, one after the other. The first is not counted: it opens
/// the connections, and brings the streams out of step.
const ROUNDS: usize = 6;

/// What the project promises of the 99th percentile of the added time to first token.
const PROMISED_FIRST_TOKEN: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(crate) struct Figures {
    first_tokens: Vec<Duration>,
    frames: Vec<Duration>,
    frames_lost: usize,
}

pub(crate) async fn measure() -> Figures {
    let hub = TestHub::tuned(|_| {}).await;
    for _ in 0..NODES {
        let pace = Pace {
            tokens: TOKENS,
            every: BETWEEN_TOKENS,
        };
        join(&hub.node_url(), STREAMS / NODES, pace).await;
    }
    let client = crate::support::http::client();
    let mut streams = JoinSet::new();
    for number in 0..STREAMS {
        let (client, url) = (client.clone(), hub.url("/v1/chat/completions"));
        // Real clients do not all start in the same instant: these start within one answer's time.
        let answer_time = BETWEEN_TOKENS * u32::try_from(TOKENS).expect("a small number");
        let start = answer_time * number / STREAMS;
        streams.spawn(async move {
            tokio::time::sleep(start).await;
            let mut answers = Vec::new();
            for _ in 0..ROUNDS {
                answers.push(ask(&client, &url, TOKENS).await);
            }
            answers
        });
    }
    Figures::of(&streams.join_all().await)
}

impl Figures {
    fn of(streams: &[Vec<Observed>]) -> Self {
        let all = || streams.iter().flatten();
        let counted = || streams.iter().flat_map(|answers| &answers[1..]);
        let mut first_tokens: Vec<Duration> = counted().map(|answer| answer.first_token).collect();
        let mut frames: Vec<Duration> = counted()
            .flat_map(|answer| answer.frames.iter().copied())
            .collect();
        first_tokens.sort_unstable();
        frames.sort_unstable();
        let expected = all().count() * usize::try_from(TOKENS).expect("a small number");
        let received: usize = all().map(|answer| answer.frames.len()).sum();
        let broken = all().filter(|answer| !answer.whole).count();
        // An answer may be broken although the number is right: then something was out of place.
        let frames_lost = expected.abs_diff(received).max(broken);
        Self {
            first_tokens,
            frames,
            frames_lost,
        }
    }

    /// Frames that never came, or came in the wrong place.
    pub(crate) fn frames_lost(&self) -> usize {
        self.frames_lost
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{STREAMS} concurrent streams over {NODES} nodes, {TOKENS} deltas {} ms apart, {} answers:",
            BETWEEN_TOKENS.as_millis(),
            self.first_tokens.len(),
        )?;
        let mut line = |name: &str, sorted: &[Duration]| {
            let [p50, p99, most] = [0.5, 0.99, 1.0].map(|part| percentile(sorted, part));
            writeln!(
                f,
                "  {name:<28} p50 {p50:.2} ms, p99 {p99:.2} ms, most {most:.2} ms"
            )
        };
        line("added time to first token:", &self.first_tokens)?;
        line("added time per frame:", &self.frames)?;
        writeln!(f, "  frames lost: {}", self.frames_lost())?;
        let kept = percentile(&self.first_tokens, 0.99) < milliseconds(PROMISED_FIRST_TOKEN);
        let verdict = if kept { "kept" } else { "NOT kept" };
        write!(
            f,
            "  promise of p99 below {} ms: {verdict}",
            PROMISED_FIRST_TOKEN.as_millis()
        )
    }
}

/// In milliseconds.
fn percentile(sorted: &[Duration], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * part).round() as usize;
    sorted.get(at).copied().map_or(f64::NAN, milliseconds)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
