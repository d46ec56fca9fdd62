//! What the operating system tells no program unasked: that the machine has slept, that its
//! network is another one now.

use std::{
    fmt::Debug,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::{Duration, SystemTime},
};

use tokio::time::{Interval, MissedTickBehavior, interval};

/// Addresses that are nobody's (RFC 5737, RFC 3849), for asking how one would go to the internet.
pub const ANYWHERE: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9),
    SocketAddr::new(
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
        9,
    ),
];

/// The machine, to be asked again and again.
pub trait Surroundings: Debug + Send + Sync {
    /// The time of day: unlike timers, it goes on while the machine sleeps.
    fn clock(&self) -> SystemTime;

    /// This machine's own address towards another; `None` where there is no way.
    fn address_towards(&self, other: SocketAddr) -> Option<IpAddr>;

    /// How often to look.
    fn pace(&self) -> Duration;
}

/// The machine that this program runs on.
#[derive(Clone, Copy, Debug)]
pub struct ThisMachine;

impl Surroundings for ThisMachine {
    fn clock(&self) -> SystemTime {
        SystemTime::now()
    }

    fn address_towards(&self, other: SocketAddr) -> Option<IpAddr> {
        let any: IpAddr = match other {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        // This sends nothing: it only looks the route up.
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect(other).ok()?;
        Some(socket.local_addr().ok()?.ip())
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(5)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The machine slept for longer than was allowed, or its clock was set.
    Slept,
    /// There is a way again, or another one.
    Network,
}

/// Looks for changes from the moment it is made.
#[derive(Debug)]
pub struct Watch<'a> {
    surroundings: &'a dyn Surroundings,
    others: Vec<SocketAddr>,
    longest_sleep: Duration,
    looks: Interval,
    clock: SystemTime,
    address: Option<IpAddr>,
}

impl<'a> Watch<'a> {
    /// `others`: whom to reach, the first that there is a way to. `longest_sleep`: what a
    /// connection survives.
    pub fn new(
        surroundings: &'a dyn Surroundings,
        others: Vec<SocketAddr>,
        longest_sleep: Duration,
    ) -> Self {
        let mut looks = interval(surroundings.pace());
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch = Self {
            surroundings,
            others,
            longest_sleep,
            looks,
            clock: surroundings.clock(),
            address: None,
        };
        watch.address = watch.address();
        watch
    }

    /// Waits for the next change. Nothing is missed where this is dropped and called again.
    pub async fn change(&mut self) -> Change {
        loop {
            self.looks.tick().await;
            if let Some(change) = self.look() {
                return change;
            }
        }
    }

    fn look(&mut self) -> Option<Change> {
        let (clock, address) = (self.surroundings.clock(), self.address());
        let passed = clock.duration_since(self.clock).unwrap_or_default();
        let changed = address.is_some() && address != self.address;
        (self.clock, self.address) = (clock, address);
        if passed > self.surroundings.pace() + self.longest_sleep {
            Some(Change::Slept)
        } else {
            changed.then_some(Change::Network)
        }
    }

    fn address(&self) -> Option<IpAddr> {
        let mut ways = self.others.iter();
        ways.find_map(|other| self.surroundings.address_towards(*other))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug)]
    struct Fake(Mutex<(SystemTime, Option<IpAddr>)>);

    impl Surroundings for Fake {
        fn clock(&self) -> SystemTime {
            self.0.lock().unwrap().0
        }

        fn address_towards(&self, other: SocketAddr) -> Option<IpAddr> {
            self.0
                .lock()
                .unwrap()
                .1
                .filter(|own| own.is_ipv4() == other.is_ipv4())
        }

        fn pace(&self) -> Duration {
            Duration::from_secs(5)
        }
    }

    /// What is seen when so many seconds have passed on the clock and the address is this.
    fn seen(steps: &[(i64, Option<&str>)]) -> Vec<Option<Change>> {
        let address = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let fake = Fake(Mutex::new((SystemTime::UNIX_EPOCH, address(steps[0].1))));
        let mut watch = Watch::new(&fake, ANYWHERE.to_vec(), Duration::from_secs(60));
        let steps = steps[1..].iter().map(|(seconds, own)| {
            let passed = Duration::from_secs(seconds.unsigned_abs());
            let mut state = fake.0.lock().unwrap();
            state.0 = if *seconds < 0 {
                state.0 - passed
            } else {
                state.0 + passed
            };
            state.1 = address(*own);
            drop(state);
            watch.look()
        });
        steps.collect()
    }

    #[tokio::test]
    async fn a_gap_in_the_clock_is_sleep() {
        let home = Some("192.168.1.2");
        assert_eq!(
            seen(&[(0, home), (5, home), (64, home), (66, home), (5, home)]),
            [None, None, Some(Change::Slept), None]
        );
        // A clock that is set back says nothing.
        assert_eq!(seen(&[(100, home), (10, home), (-9, home)]), [None, None]);
    }

    #[tokio::test]
    async fn another_address_or_a_way_after_none_is_another_network() {
        let (home, phone, six) = (Some("192.168.1.2"), Some("10.0.0.7"), Some("2001:db8::5"));
        let network = Some(Change::Network);
        assert_eq!(
            seen(&[(0, home), (5, phone), (5, phone), (5, six)]),
            [network, None, network]
        );
        assert_eq!(
            seen(&[(0, home), (5, None), (5, None), (5, home)]),
            [None, None, network]
        );
    }

    #[test]
    fn this_machine_finds_its_way_to_itself() {
        let address = ThisMachine.address_towards("127.0.0.1:9".parse().unwrap());
        assert_eq!(address, Some("127.0.0.1".parse().unwrap()));
    }
}
