//! Who is logged in. In memory alone: a stolen database opens nothing, and a hub that is started with
//! another password knows nobody from before.

use std::{collections::HashMap, time::Duration};

use tokio::sync::watch;

use crate::keys::Digest;

pub(super) const LASTS: Duration = Duration::from_secs(12 * 60 * 60);

/// More than that are logged in by nobody but a program gone wrong.
const MOST: usize = 100;

/// What is kept of a session is the digest of its token, so memory that leaks opens nothing either.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    running: HashMap<[u8; 32], Session>,
}

#[derive(Debug)]
struct Session {
    end: Duration,
    /// Dropped with it: whoever follows something by this session's leave then stops.
    running: watch::Sender<()>,
}

/// A session as whoever has its token sees it.
#[derive(Clone, Debug)]
pub(crate) struct OpenSession {
    /// How long it still lasts.
    pub(super) rest: Duration,
    running: watch::Receiver<()>,
}

impl OpenSession {
    /// Returns once it is over.
    pub(super) async fn over(mut self) {
        let ended = async { while self.running.changed().await.is_ok() {} };
        // Either way.
        let _ = tokio::time::timeout(self.rest, ended).await;
    }
}

impl Sessions {
    pub(super) fn begin(&mut self, token: &str, now: Duration) {
        self.running.retain(|_, session| session.end > now);
        if self.running.len() >= MOST {
            let oldest = self.running.iter().min_by_key(|(_, session)| session.end);
            if let Some(oldest) = oldest.map(|(digest, _)| *digest) {
                self.running.remove(&oldest);
            }
        }
        let session = Session {
            end: now + LASTS,
            running: watch::Sender::new(()),
        };
        self.running.insert(digest(token), session);
    }

    /// None where there is no such session. Looking a digest up tells by its time at most how a digest
    /// begins, from which no token can be made.
    pub(super) fn find(&self, token: &str, now: Duration) -> Option<OpenSession> {
        let session = self.running.get(&digest(token))?;
        let rest = session.end.checked_sub(now)?;
        let running = session.running.subscribe();
        (!rest.is_zero()).then_some(OpenSession { rest, running })
    }

    pub(super) fn end(&mut self, token: &str) {
        self.running.remove(&digest(token));
    }
}

fn digest(token: &str) -> [u8; 32] {
    *Digest::of(token).bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn rest(sessions: &Sessions, token: &str, now: Duration) -> Option<Duration> {
        sessions.find(token, now).map(|session| session.rest)
    }

    #[test]
    fn a_session_lasts_twelve_hours_unless_it_is_ended() {
        let mut sessions = Sessions::default();
        sessions.begin("a", at(0));
        sessions.begin("b", at(0));
        assert_eq!(rest(&sessions, "a", at(1)), Some(LASTS - at(1)));
        assert_eq!(rest(&sessions, "c", at(1)), None);
        sessions.end("b");
        assert_eq!(rest(&sessions, "b", at(1)), None);
        assert_eq!(rest(&sessions, "a", LASTS), None);
    }

    #[test]
    fn there_are_never_more_than_so_many_and_the_oldest_goes_first() {
        let mut sessions = Sessions::default();
        for number in 0..=MOST as u64 {
            sessions.begin(&number.to_string(), at(number));
        }
        assert_eq!(sessions.running.len(), MOST);
        assert_eq!(rest(&sessions, "0", at(200)), None);
        assert!(rest(&sessions, "1", at(200)).is_some());
    }
}
