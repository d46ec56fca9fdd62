//! Beside LiteLLM's proxy, on the same timetable, in the same run.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail};
use hub_bench::{
    client::Connection,
    machine::table,
    node::{MODEL, Pace},
    observed::ask,
    setting::Setting,
    upstream,
};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{
    Given, short,
    short::{ANSWER, NODES, Rate, SLOTS},
    streams::{self, Figures, PACE},
    verdict::Verdicts,
};

/// So few that neither is busy: what is compared is what each adds.
const STREAMS: u32 = 8;
const ROUNDS: usize = 16;

/// LiteLLM's advice is one a processor.
const WORKERS: &str = "2";
const CLIENTS: [u32; 4] = [1, 8, 32, 64];
const START: Duration = Duration::from_secs(180);

const TIMES_THE_THROUGHPUT: f64 = 20.0;
const PART_OF_THE_LATENCY: f64 = 0.1;

pub(crate) async fn measure(given: &Given, verdicts: &mut Verdicts) -> anyhow::Result<String> {
    let hub = Setting::with_nodes(&given.hub, NODES, SLOTS, PACE).await?;
    let ours = Figures::of(&streams::run(hub.hub.address, STREAMS, ROUNDS).await);
    drop(hub);
    let hub = Setting::with_nodes(&given.hub, NODES, SLOTS, ANSWER).await?;
    let our_rate = best(hub.hub.address, given.seconds).await?;
    drop(hub);

    let proxy = LiteLlm::start(&given.litellm, PACE).await?;
    let theirs = Figures::of(&streams::run(proxy.address, STREAMS, ROUNDS).await);
    drop(proxy);
    let proxy = LiteLlm::start(&given.litellm, ANSWER).await?;
    let their_rate = best(proxy.address, given.seconds).await?;
    let version = proxy.version.clone();
    drop(proxy);

    let times = our_rate.per_second / their_rate.per_second;
    verdicts.add(
        "at least 20 × LiteLLM's throughput",
        format!("{times:.1} ×"),
        times >= TIMES_THE_THROUGHPUT,
    );
    for (name, part) in [("p50", 0.5), ("p99", 0.99)] {
        let share = ours.first_tokens.percentile(part) / theirs.first_tokens.percentile(part);
        verdicts.add(
            &format!("a tenth of LiteLLM's added time to first token, {name}"),
            format!("{share:.3} of it"),
            share <= PART_OF_THE_LATENCY,
        );
    }
    let row = |name: &str, ours: String, theirs: String| vec![name.to_owned(), ours, theirs];
    let rate = |rate: &Rate| format!("{:.0} ({} clients)", rate.per_second, rate.clients);
    let broken = |figures: &Figures| format!("{} of {}", figures.broken, figures.answers);
    let table = table(
        &["", "Kipinä", "LiteLLM"],
        &[
            row(
                &format!("added time to first token, {STREAMS} streams"),
                ours.first_tokens.words(),
                theirs.first_tokens.words(),
            ),
            row(
                "added time per frame",
                ours.frames.words(),
                theirs.frames.words(),
            ),
            row(
                "added between two frames",
                ours.late.words(),
                theirs.late.words(),
            ),
            row("broken answers", broken(&ours), broken(&theirs)),
            row(
                &format!("short answers of {} deltas, most a second", ANSWER.tokens),
                rate(&our_rate),
                rate(&their_rate),
            ),
        ],
    );
    Ok(format!(
        "Beside LiteLLM's proxy {version} ({WORKERS} workers, no database, no callbacks), the same timetable behind \
         both:\n\n{table}"
    ))
}

async fn best(address: SocketAddr, seconds: u64) -> anyhow::Result<Rate> {
    let mut best: Option<Rate> = None;
    for clients in CLIENTS {
        let rate = short::rate(address, clients, seconds).await?;
        if best
            .as_ref()
            .is_none_or(|best| rate.per_second > best.per_second)
        {
            best = Some(rate);
        }
    }
    best.context("nothing was measured")
}

struct LiteLlm {
    address: SocketAddr,
    version: String,
    process: Child,
    folder: TempDir,
}

impl Drop for LiteLlm {
    fn drop(&mut self) {
        let group = self
            .process
            .id()
            .map(u32::cast_signed)
            .and_then(Pid::from_raw);
        if let Some(group) = group {
            // One that has ended needs no end.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl LiteLlm {
    /// `tools`: where its virtual environment lies.
    async fn start(tools: &Path, pace: Pace) -> anyhow::Result<Self> {
        let upstream = upstream::listen(pace).await?;
        let folder = TempDir::new()?;
        let config = folder.path().join("litellm.yaml");
        std::fs::write(
            &config,
            format!(
                "model_list:\n  - model_name: {MODEL}\n    litellm_params:\n      model: openai/mock\n      \
                 api_base: http://{upstream}/v1\n      api_key: none\n"
            ),
        )?;
        // Its port can't be left to the system: this one was free a moment ago.
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let program = tools.join("bin/litellm");
        let version = Command::new(&program).arg("--version").output().await?;
        let version = String::from_utf8_lossy(&version.stdout);
        let version = version.split_whitespace().last().unwrap_or("?").to_owned();
        let log = std::fs::File::create(folder.path().join("log"))?;
        let process = Command::new(&program)
            .args(["--config", &config.to_string_lossy()])
            .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
            .args(["--num_workers", WORKERS, "--telemetry", "False"])
            // A worker reads its program for longer than the usual five seconds on a busy machine.
            .args(["--timeout_worker_healthcheck", "120"])
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            // As the hub is measured: open, on this machine only.
            .env("LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY", "true")
            .env("LITELLM_LOG", "ERROR")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Its workers are processes of their own, which would outlive it.
            .process_group(0)
            .spawn()
            .context("LiteLLM can't be started")?;
        let proxy = Self {
            address,
            version,
            process,
            folder,
        };
        proxy.wait(pace).await?;
        Ok(proxy)
    }

    /// Until every worker has answered: the first answer of each loads half of its program.
    async fn wait(&self, pace: Pace) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + START;
        let mut answered = 0;
        while answered < 20 {
            let answer = async {
                let mut connection = Connection::open(self.address, None).await?;
                ask(&mut connection, pace.tokens).await
            };
            match answer.await {
                Ok(observed) if observed.complete => answered += 1,
                _ if tokio::time::Instant::now() > deadline => {
                    let log = std::fs::read_to_string(self.folder.path().join("log"));
                    bail!("LiteLLM does not answer:\n{}", log.unwrap_or_default());
                }
                _ => tokio::time::sleep(Duration::from_millis(500)).await,
            }
        }
        Ok(())
    }
}
