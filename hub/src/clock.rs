//! The time of day, as keys and statistics count it: seconds and whole days of UTC since 1970.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A clock that is set before 1970 shows 1970.
pub(crate) fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

pub(crate) fn unix_seconds() -> u64 {
    since_1970(SystemTime::now()).as_secs()
}

pub(crate) fn day_of(time: SystemTime) -> u64 {
    since_1970(time).as_secs() / DAY.as_secs()
}

pub(crate) fn today() -> u64 {
    day_of(SystemTime::now())
}
