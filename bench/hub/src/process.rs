//! A hub as its operator runs it: a process of its own, which is looked at from outside.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take to obey.
const PATIENCE: Duration = Duration::from_secs(60);

/// The clock ticks of `/proc/*/stat`: fixed in Linux's interface to programs.
const TICKS_PER_SECOND: u64 = 100;

#[derive(Debug)]
pub struct HubProcess {
    child: Child,
    pub address: SocketAddr,
    /// A hub that can't write to its standard output would end.
    _output: BufReader<ChildStdout>,
}

impl HubProcess {
    /// Starts the program in `folder`, where its database and its log lie, and waits until it listens.
    /// Of the environment it gets what is given here, and where programs are found.
    pub fn start(program: &Path, folder: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("hub.log"))?;
        let mut child = Command::new(program)
            .env_clear()
            .env("HOME", folder)
            .env("PORT", "0")
            .env("DATABASE_PATH", folder.join("hub.sqlite"))
            .env("RUST_LOG", "warn")
            .env("LC_ALL", "C.UTF-8")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} can't be started", program.display()))?;
        let output = child.stdout.take().context("the hub has no output")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while output.read_line(&mut line)? > 0 {
            if let Some(at) = line.rfind("http://") {
                let address = line[at + "http://".len()..].trim().parse()?;
                return Ok(Self {
                    child,
                    address,
                    _output: output,
                });
            }
            line.clear();
        }
        let log = fs::read_to_string(folder.join("hub.log")).unwrap_or_default();
        bail!("the hub ended before it listened:\n{log}")
    }

    /// Physical memory that the hub has of its own and of files.
    pub fn memory_bytes(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Ok(kilobytes.context("the system tells no memory of the hub")? * 1024)
    }

    pub fn descriptors(&self) -> anyhow::Result<usize> {
        Ok(fs::read_dir(self.proc("fd"))?.count())
    }

    /// Time that processors have spent on the hub.
    pub fn computed(&self) -> anyhow::Result<Duration> {
        computed(self.child.id())
    }

    /// SIGKILL: no farewell, no flush.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// As a service manager stops it.
    pub fn stop(mut self) -> anyhow::Result<()> {
        signal(&self.child, Signal::TERM)?;
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                self.child.kill()?;
                bail!("the hub did not stop within {} s", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }
}

/// A measurement that breaks off leaves no hub behind.
impl Drop for HubProcess {
    fn drop(&mut self) {
        // One that has ended can't be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Time that processors have spent on a process.
pub fn computed(process: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the program's name in brackets, which may hold anything.
    let (_, fields) = stat.rsplit_once(')').context("a line without a name")?;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

pub fn signal(child: &Child, signal: Signal) -> anyhow::Result<()> {
    let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(process.context("a process without an id")?, signal)?;
    Ok(())
}
