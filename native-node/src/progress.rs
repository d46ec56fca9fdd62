//! How far something long has come: one line that is rewritten where somebody looks on, and a line
//! of the log now and then elsewhere.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// Who reads of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The node does nothing else, so that the line may stay the terminal's last.
    Waiting,
    /// Other lines come in between.
    Busy,
}

const REWRITTEN_EVERY: Duration = Duration::from_millis(200);
const LOGGED_EVERY: Duration = Duration::from_secs(10);

/// Dropping it leaves the last line as it is.
#[derive(Debug)]
pub struct Progress {
    rewrites: bool,
    shown: Instant,
    /// Characters of the line that stands there.
    width: usize,
}

impl Progress {
    pub fn new(audience: Audience) -> Self {
        Self {
            rewrites: audience == Audience::Waiting && io::stderr().is_terminal(),
            shown: Instant::now(),
            width: 0,
        }
    }

    /// Shows the line if it is time for one.
    pub fn show(&mut self, line: impl FnOnce() -> String) {
        let interval = if self.rewrites {
            REWRITTEN_EVERY
        } else {
            LOGGED_EVERY
        };
        if self.shown.elapsed() < interval {
            return;
        }
        self.shown = Instant::now();
        let line = line();
        if self.rewrites {
            self.rewrite(&line);
        } else {
            tracing::info!("{line}");
        }
    }

    fn rewrite(&mut self, line: &str) {
        // What was longer before is covered with spaces, which every terminal understands.
        let before = self.width;
        self.width = line.chars().count();
        // A terminal that has gone away is no reason to stop the work.
        let _ = write!(io::stderr(), "\r{line:before$}");
        let _ = io::stderr().flush();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.width > 0 {
            let _ = writeln!(io::stderr());
        }
    }
}
