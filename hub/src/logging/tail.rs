//! The last lines of this process's log, for operators who look on.
//!
//! Lines come from whatever thread logs, so a lock stands around the few that are kept; nobody waits under it.

use std::{
    collections::VecDeque,
    fmt::{self, Write},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use tokio::sync::broadcast;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use crate::clock::since_1970;

const LINES: usize = 1000;

/// A line is for reading, whatever ends up in it.
const LINE_CHARACTERS: usize = 2000;

/// Like the log itself, one for the whole process.
static TAIL: LazyLock<Tail> = LazyLock::new(Tail::new);

#[derive(Debug)]
pub(crate) struct Tail {
    kept: Mutex<Lines>,
    news: broadcast::Sender<Arc<Line>>,
}

#[derive(Debug)]
struct Lines {
    lines: VecDeque<Arc<Line>>,
    last: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Larger for later ones, those of processes before this one included.
    pub(crate) number: u64,
    /// Unix time.
    pub(crate) at_ms: u64,
    pub(crate) level: Level,
    pub(crate) target: String,
    /// With its fields behind it, as in `a prompt failed ending=out_of_memory`.
    pub(crate) message: String,
}

impl Tail {
    pub(crate) fn of_this_process() -> &'static Self {
        &TAIL
    }

    fn new() -> Self {
        let lines = Lines {
            lines: VecDeque::new(),
            // No process logs a line each millisecond for as long as it lives, so the next one goes on above.
            last: unix_milliseconds(),
        };
        Self {
            kept: Mutex::new(lines),
            news: broadcast::Sender::new(LINES),
        }
    }

    /// The lines after this one that are still there, and all that come.
    pub(crate) fn after(
        &self,
        number: Option<u64>,
    ) -> (VecDeque<Arc<Line>>, broadcast::Receiver<Arc<Line>>) {
        let kept = self.lock();
        let number = number.unwrap_or_default();
        let lines = kept.lines.iter().filter(|line| line.number > number);
        (lines.cloned().collect(), self.news.subscribe())
    }

    fn add(&self, level: Level, target: &str, message: String) {
        let mut kept = self.lock();
        kept.last += 1;
        let line = Arc::new(Line {
            number: kept.last,
            at_ms: unix_milliseconds(),
            level,
            target: target.to_owned(),
            message,
        });
        if kept.lines.len() >= LINES {
            kept.lines.pop_front();
        }
        kept.lines.push_back(Arc::clone(&line));
        // Nobody may be looking.
        let _ = self.news.send(line);
    }

    /// Whole after every statement, so a panic elsewhere can't have torn it.
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts what is logged into the tail.
pub(super) struct IntoTail(pub(super) &'static Tail);

impl<S: Subscriber> Layer<S> for IntoTail {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let message = text.message + &text.fields;
        let message = match message.char_indices().nth(LINE_CHARACTERS) {
            Some((end, _)) => format!("{}…", &message[..end]),
            None => message,
        };
        self.0.add(*metadata.level(), metadata.target(), message);
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A string takes every write.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            _ => self.record_debug(field, &format_args!("{value}")),
        }
    }
}

fn unix_milliseconds() -> u64 {
    u64::try_from(since_1970(SystemTime::now()).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tracing::subscriber::with_default;
    use tracing_subscriber::{Registry, layer::SubscriberExt};

    use super::*;

    /// What is logged while `work` runs.
    fn logged(work: impl FnOnce()) -> &'static Tail {
        let tail: &'static Tail = Box::leak(Box::new(Tail::new()));
        with_default(Registry::default().with(IntoTail(tail)), work);
        tail
    }

    fn messages(tail: &Tail, after: Option<u64>) -> Vec<String> {
        let (lines, _) = tail.after(after);
        lines.iter().map(|line| line.message.clone()).collect()
    }

    #[test]
    fn a_line_has_its_message_and_its_fields() {
        let tail = logged(|| {
            tracing::warn!(ending = "out_of_memory", count = 3, "a prompt {}", "failed");
        });
        let (lines, _) = tail.after(None);
        assert_eq!(
            lines[0].message,
            "a prompt failed ending=out_of_memory count=3"
        );
        assert_eq!(lines[0].level, Level::WARN);
        assert!(lines[0].target.contains("tail"), "{}", lines[0].target);
    }

    #[test]
    fn the_oldest_go_first_and_a_reader_goes_on_where_it_was() {
        let tail = logged(|| {
            for number in 0..LINES + 10 {
                tracing::info!("line {number}");
            }
        });
        let (lines, mut news) = tail.after(None);
        assert_eq!((lines.len(), lines[0].message.as_str()), (LINES, "line 10"));
        let last_but_one = lines[LINES - 2].number;
        let last = format!("line {}", LINES + 9);
        assert_eq!(messages(tail, Some(last_but_one)), [last]);

        tail.add(Level::INFO, "test", "news".to_owned());
        assert_eq!(news.try_recv().unwrap().message, "news");
    }

    #[test]
    fn a_line_that_never_ends_is_cut() {
        let tail = logged(|| tracing::info!("{}", "ä".repeat(10 * LINE_CHARACTERS)));
        let line = messages(tail, None).remove(0);
        assert_eq!(line.chars().count(), LINE_CHARACTERS + 1);
        assert!(line.ends_with('…'));
    }
}
