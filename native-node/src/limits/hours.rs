//! Hours of the day, by the clock on the wall.

use jiff::ZonedDateTime;

/// From one minute of the day to another, as in `18-08`, which crosses midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Minutes since midnight, below 24 hours.
    from: i16,
    /// The first minute after, up to 24 hours.
    to: i16,
}

const DAY_MINUTES: i16 = 24 * 60;

impl Hours {
    /// Reads `18-08`, `9:30-17` and the like; `None` for what is no span of hours.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.trim().split_once(['-', '–'])?;
        let (from, to) = (minutes(from)?, minutes(to)?);
        // The same time twice could mean always or never.
        (from < DAY_MINUTES && from != to).then_some(Self { from, to })
    }

    /// Where the clocks are turned, what the wall's clock shows counts, as for people.
    fn contains(self, minute: i16) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }

    fn next_start(self, now: &ZonedDateTime) -> Option<ZonedDateTime> {
        let today = now.date();
        let days = [Some(today), today.tomorrow().ok()];
        days.into_iter().flatten().find_map(|day| {
            let (hour, minute) = (self.from / 60, self.from % 60);
            let start = day.at(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0);
            let start = start.to_zoned_datetime(now.time_zone().clone()).ok()?;
            (start > *now).then_some(start)
        })
    }
}

/// Whether any of them holds now; always where there are none.
pub(super) fn hold(hours: &[Hours], now: &ZonedDateTime) -> bool {
    let minute = i16::from(now.hour()) * 60 + i16::from(now.minute());
    hours.is_empty() || hours.iter().any(|hours| hours.contains(minute))
}

/// When the next of them begins.
pub(super) fn next_start(hours: &[Hours], now: &ZonedDateTime) -> Option<ZonedDateTime> {
    hours.iter().filter_map(|hours| hours.next_start(now)).min()
}

fn minutes(text: &str) -> Option<i16> {
    let (hour, minute) = match text.trim().split_once([':', '.']) {
        Some((hour, minute)) if minute.len() == 2 => (hour, number(minute, 59)?),
        Some(_) => return None,
        None => (text.trim(), 0),
    };
    let minutes = number(hour, 24)? * 60 + minute;
    (minutes <= DAY_MINUTES).then_some(minutes)
}

fn number(text: &str, most: i16) -> Option<i16> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then_some(text)?.parse().ok().filter(|&n| n <= most)
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::{civil::date, tz::TimeZone};

    use super::*;

    /// Finland's time, wherever the test runs.
    pub(crate) fn helsinki(month: i8, day: i8, hour: i8, minute: i8) -> ZonedDateTime {
        let finland = TimeZone::posix("EET-2EEST,M3.5.0/3,M10.5.0/4").unwrap();
        let wall = date(2026, month, day).at(hour, minute, 0, 0);
        wall.to_zoned_datetime(finland).unwrap()
    }

    #[test]
    fn hours_are_read_as_people_write_them() {
        for (text, from, to) in [
            ("18-08", 18 * 60, 8 * 60),
            ("18-8", 18 * 60, 8 * 60),
            ("9:30–17.15", 570, 17 * 60 + 15),
            (" 22 - 6 ", 22 * 60, 6 * 60),
            ("0-24", 0, DAY_MINUTES),
        ] {
            assert_eq!(Hours::parse(text), Some(Hours { from, to }), "{text}");
        }
        for wrong in [
            "", "18", "18-", "-8", "18-18", "24-8", "18-25", "18:60-8", "18:5-8", "+1-8", "a-b",
            "18-08-09", "024-8", "18-24:01",
        ] {
            assert_eq!(Hours::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_wall_clock_says_whether_they_hold_and_when_they_begin() {
        // (hours, time of day, holds, next start)
        let night = "18-08";
        let cases = [
            (night, (17, 59), false, (26, 18, 0)),
            (night, (18, 0), true, (27, 18, 0)),
            (night, (0, 0), true, (26, 18, 0)),
            (night, (7, 59), true, (26, 18, 0)),
            (night, (8, 0), false, (26, 18, 0)),
            ("9:30-10", (9, 29), false, (26, 9, 30)),
            ("9:30-10", (9, 30), true, (27, 9, 30)),
            ("9:30-10", (10, 0), false, (27, 9, 30)),
            ("0-24", (23, 59), true, (27, 0, 0)),
        ];
        for (text, (hour, minute), holds, (day, start_hour, start_minute)) in cases {
            let hours = [Hours::parse(text).unwrap()];
            let now = helsinki(11, 26, hour, minute);
            assert_eq!(hold(&hours, &now), holds, "{text} at {now}");
            let start = helsinki(11, day, start_hour, start_minute);
            assert_eq!(next_start(&hours, &now), Some(start), "{text} at {now}");
        }
    }

    #[test]
    fn any_of_several_is_enough_and_the_soonest_counts() {
        let hours = ["12-13", "18-08"].map(|text| Hours::parse(text).unwrap());
        assert!(hold(&hours, &helsinki(11, 26, 12, 30)));
        assert!(hold(&hours, &helsinki(11, 26, 3, 0)));
        let morning = helsinki(11, 26, 9, 0);
        assert!(!hold(&hours, &morning));
        assert_eq!(next_start(&hours, &morning), Some(helsinki(11, 26, 12, 0)));
        assert!(hold(&[], &morning), "without hours it is always time");
        assert_eq!(next_start(&[], &morning), None);
    }

    #[test]
    fn hours_follow_the_clock_when_it_is_turned() {
        // On 29 March 2026 the clock goes from 3 to 4, on 25 October from 4 back to 3.
        let start = |text: &str, now: &ZonedDateTime| {
            let hours = [Hours::parse(text).unwrap()];
            next_start(&hours, now).unwrap()
        };
        let evening = helsinki(3, 28, 20, 0);
        let slept = start("18-19", &evening).duration_since(&evening);
        assert_eq!(slept.as_hours(), 21, "a night of 23 hours");
        let twice = helsinki(10, 25, 3, 30);
        let again = &twice + jiff::Span::new().hours(1);
        let hours = [Hours::parse("3-4").unwrap()];
        assert!(hold(&hours, &twice) && hold(&hours, &again));
        let longer = helsinki(10, 24, 20, 0);
        assert_eq!(
            start("18-19", &longer).duration_since(&longer).as_hours(),
            23
        );
    }
}
