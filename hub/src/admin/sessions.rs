//! Who is logged in. In memory alone: a stolen database opens nothing, and a hub that is started with
//! another password knows nobody from before.

use std::{collections::HashMap, time::Duration};

use crate::keys::Digest;

pub(super) const LASTS: Duration = Duration::from_secs(12 * 60 * 60);

/// More than that are logged in by nobody but a program gone wrong.
const MOST: usize = 100;

/// What is kept of a session is the digest of its token, so memory that leaks opens nothing either.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    ends: HashMap<[u8; 32], Duration>,
}

impl Sessions {
    pub(super) fn begin(&mut self, token: &str, now: Duration) {
        self.ends.retain(|_, end| *end > now);
        if self.ends.len() >= MOST {
            let oldest = self.ends.iter().min_by_key(|(_, end)| **end);
            if let Some(oldest) = oldest.map(|(digest, _)| *digest) {
                self.ends.remove(&oldest);
            }
        }
        self.ends.insert(digest(token), now + LASTS);
    }

    /// How long it still lasts; None where there is no such session. Looking a digest up tells by its
    /// time at most how a digest begins, from which no token can be made.
    pub(super) fn rest(&self, token: &str, now: Duration) -> Option<Duration> {
        let end = self.ends.get(&digest(token))?;
        end.checked_sub(now).filter(|rest| !rest.is_zero())
    }

    pub(super) fn end(&mut self, token: &str) {
        self.ends.remove(&digest(token));
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

    #[test]
    fn a_session_lasts_twelve_hours_unless_it_is_ended() {
        let mut sessions = Sessions::default();
        sessions.begin("a", at(0));
        sessions.begin("b", at(0));
        assert_eq!(sessions.rest("a", at(1)), Some(LASTS - at(1)));
        assert_eq!(sessions.rest("c", at(1)), None);
        sessions.end("b");
        assert_eq!(sessions.rest("b", at(1)), None);
        assert_eq!(sessions.rest("a", LASTS), None);
    }

    #[test]
    fn there_are_never_more_than_so_many_and_the_oldest_goes_first() {
        let mut sessions = Sessions::default();
        for number in 0..=MOST as u64 {
            sessions.begin(&number.to_string(), at(number));
        }
        assert_eq!(sessions.ends.len(), MOST);
        assert_eq!(sessions.rest("0", at(200)), None);
        assert!(sessions.rest("1", at(200)).is_some());
    }
}
