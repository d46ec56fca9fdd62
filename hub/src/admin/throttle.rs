//! How fast passwords may be tried. No clock, no runtime.
//!
//! Each address gets a few tries, then waits twice as long after each; an hour's peace is a new
//! beginning. All strangers together are slowed down as well, so that many addresses gain little, and
//! each try costs the hub a slow hash. Whoever has logged in from an address before is not held up by
//! strangers.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    time::Duration,
};

const FREE_TRIES: u32 = 5;
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);

const FREE_TRIES_OF_ALL: u32 = 20;
/// Short, since it also holds up an operator at an address that he never logged in from.
const LONGEST_PAUSE_OF_ALL: Duration = Duration::from_secs(4);
const ALL_FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// More addresses than this are not told apart for longer than their pauses last.
const MOST_ADDRESSES: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Throttle {
    /// By network; see [`crate::net::network_of`].
    addresses: HashMap<IpAddr, Tries>,
    all: Tries,
    known: HashSet<IpAddr>,
}

#[derive(Debug, Default)]
struct Tries {
    failed: u32,
    last: Duration,
    open_from: Duration,
}

impl Throttle {
    /// Whether a password from here is looked at now. Each try counts as failed until it is told that
    /// it was not, so tries at the same time gain nothing.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn attempt(&mut self, network: IpAddr, now: Duration) -> Result<(), Duration> {
        self.forget(now);
        let is_known = self.known.contains(&network) || network.is_loopback();
        let tries = self.addresses.entry(network).or_default();
        tries.check(now)?;
        if !is_known {
            self.all.check(now)?;
            self.all.fail(now, FREE_TRIES_OF_ALL, LONGEST_PAUSE_OF_ALL);
        }
        tries.fail(now, FREE_TRIES, LONGEST_PAUSE);
        Ok(())
    }

    pub(super) fn succeeded(&mut self, network: IpAddr) {
        self.addresses.remove(&network);
        self.known.insert(network);
    }

    fn forget(&mut self, now: Duration) {
        if now.saturating_sub(self.all.last) >= ALL_FORGOTTEN_AFTER {
            self.all = Tries::default();
        }
        let is_full = self.addresses.len() >= MOST_ADDRESSES;
        self.addresses.retain(|_, tries| {
            let is_old = now.saturating_sub(tries.last) >= FORGOTTEN_AFTER;
            let may_go = is_full && tries.open_from <= now;
            !(is_old || may_go)
        });
    }
}

impl Tries {
    fn check(&self, now: Duration) -> Result<(), Duration> {
        match self.open_from.checked_sub(now) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(()),
        }
    }

    fn fail(&mut self, now: Duration, free: u32, longest: Duration) {
        self.failed = self.failed.saturating_add(1);
        self.last = now;
        if let Some(doublings) = self.failed.checked_sub(free) {
            let pause = Duration::from_secs(1 << doublings.min(20));
            self.open_from = now + pause.min(longest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_address_has_five_tries_and_then_waits_longer_and_longer() {
        let mut throttle = Throttle::default();
        for _ in 0..5 {
            assert_eq!(throttle.attempt(address(1), at(100)), Ok(()));
        }
        let mut now = at(100);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let pause = throttle.attempt(address(1), now).unwrap_err();
            pauses.push(pause.as_secs());
            assert!(throttle.attempt(address(1), now + pause - at(1)).is_err());
            now += pause;
            assert_eq!(throttle.attempt(address(1), now), Ok(()));
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(
            throttle.attempt(address(2), now),
            Ok(()),
            "others may go on"
        );
        assert_eq!(throttle.attempt(address(1), now + FORGOTTEN_AFTER), Ok(()));
    }

    #[test]
    fn whoever_knows_the_password_begins_anew() {
        let mut throttle = Throttle::default();
        for _ in 0..5 {
            throttle.attempt(address(1), at(0)).unwrap();
        }
        throttle.succeeded(address(1));
        assert_eq!(throttle.attempt(address(1), at(0)), Ok(()));
    }

    #[test]
    fn many_addresses_are_slowed_down_together_but_not_whoever_was_here_before() {
        let mut throttle = Throttle::default();
        throttle.attempt(address(250), at(0)).unwrap();
        throttle.succeeded(address(250));
        let mut tried = 0;
        for second in 0..100 {
            for last in 0..50 {
                let stranger = [10, 0, second as u8, last].into();
                tried += u32::from(throttle.attempt(stranger, at(second)).is_ok());
            }
        }
        assert!((30..=50).contains(&tried), "{tried} tries in 100 s");
        assert_eq!(throttle.attempt(address(250), at(100)), Ok(()));
        assert_eq!(throttle.attempt([127, 0, 0, 1].into(), at(100)), Ok(()));
        assert!(throttle.attempt(address(1), at(100)).is_err());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut throttle = Throttle::default();
        for number in 0..30_000_u32 {
            let stranger = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
            let _ = throttle.attempt(stranger, at(u64::from(number) * 5));
        }
        assert!(throttle.addresses.len() <= MOST_ADDRESSES);
    }
}
