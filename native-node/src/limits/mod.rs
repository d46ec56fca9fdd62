//! When this machine computes: what its owner allowed against what the machine tells.
//!
//! `Judge` decides and reads nothing; `task` reads the machine every few seconds and asks it.

mod hours;
mod task;

use std::time::{Duration, Instant};

use jiff::ZonedDateTime;

pub use self::{hours::Hours, task::watch};
use crate::{device::GpuReading, status::PauseReason};

/// What the owner set; without any of it the node always computes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// None: at all hours.
    pub hours: Vec<Hours>,
    /// Degrees Celsius.
    pub max_gpu_temperature: Option<u32>,
    pub yield_to_gpu_jobs: bool,
    pub not_on_battery: bool,
}

impl Limits {
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }

    fn need_gpu(&self) -> bool {
        self.max_gpu_temperature.is_some() || self.yield_to_gpu_jobs
    }
}

/// What the machine tells at one moment; what it does not tell limits nothing.
#[derive(Clone, Debug)]
pub struct Readings {
    /// For the owner's hours only: the wall's clock may be set at any time.
    pub now: ZonedDateTime,
    pub taken_at: Instant,
    pub gpu: Option<GpuReading>,
    /// Whether this node may itself be what keeps the GPU busy.
    pub computing: bool,
    pub on_battery: Option<bool>,
}

/// Degrees below the limit at which the GPU counts as cool again.
const COOLER_BY: u32 = 5;

/// A GPU that was hot and of which nothing was heard for so long: while the node rests, it has cooled.
const SILENCE: Duration = Duration::from_secs(300);

/// A program that uses less of the GPU, a desktop or a video, is in nobody's way.
const JOB_PERCENT: u32 = 25;

/// After a job was last seen: a game that loads its next level is not over.
const CALM: Duration = Duration::from_secs(60);

/// Decides, and remembers what it takes not to change its mind at every reading.
#[derive(Debug)]
pub struct Judge {
    limits: Limits,
    /// When the GPU's degrees were last told, and how many, as long as that is too much.
    hot: Option<(Instant, u32)>,
    /// When a GPU job was last seen, and what it is.
    job: Option<(Instant, Option<String>)>,
}

impl Judge {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            hot: None,
            job: None,
        }
    }

    /// Why not to compute; `None`: go on.
    pub fn judge(&mut self, readings: &Readings) -> Option<PauseReason> {
        // The GPU's state is followed even where another reason is told.
        let (hot, job) = (self.heat(readings), self.job(readings));
        let hours = &self.limits.hours;
        if !hours::hold(hours, &readings.now) {
            let until = hours::next_start(hours, &readings.now);
            return Some(PauseReason::OutsideHours {
                until: until.map_or_else(String::new, |until| until.strftime("%H:%M").to_string()),
            });
        }
        if self.limits.not_on_battery && readings.on_battery == Some(true) {
            return Some(PauseReason::OnBattery);
        }
        hot.or(job)
    }

    fn heat(&mut self, readings: &Readings) -> Option<PauseReason> {
        let limit = self.limits.max_gpu_temperature?;
        let told = readings.gpu.as_ref().and_then(|gpu| gpu.temperature);
        let told = told.map(|celsius| (readings.taken_at, celsius));
        let hot = self.hot.take();
        let hot = hot.filter(|(told_at, _)| readings.taken_at.duration_since(*told_at) < SILENCE);
        let most = match hot {
            Some(_) => limit.saturating_sub(COOLER_BY),
            None => limit,
        };
        // A driver that falls silent while the GPU is hot has not cooled it.
        self.hot = told.or(hot).filter(|(_, celsius)| *celsius > most);
        self.hot.map(|(_, celsius)| PauseReason::GpuTooHot {
            celsius,
            limit_celsius: limit,
        })
    }

    fn job(&mut self, readings: &Readings) -> Option<PauseReason> {
        if !self.limits.yield_to_gpu_jobs {
            return None;
        }
        if let Some(program) = running_job(readings) {
            self.job = Some((readings.taken_at, program));
        }
        let (seen_at, program) = self.job.as_ref()?;
        if readings.taken_at.duration_since(*seen_at) < CALM {
            let by = program.clone();
            return Some(PauseReason::GpuInUse { by });
        }
        self.job = None;
        None
    }
}

/// Somebody else's work on the GPU, by its program's name where that is known.
fn running_job(readings: &Readings) -> Option<Option<String>> {
    let gpu = readings.gpu.as_ref()?;
    let others = gpu.others.iter().max_by_key(|other| other.percent);
    if let Some(job) = others.filter(|other| other.percent >= JOB_PERCENT) {
        return Some(Some(job.name.clone()));
    }
    let busy = gpu
        .utilisation
        .is_some_and(|percent| percent >= JOB_PERCENT);
    (busy && !readings.computing).then_some(None)
}

#[cfg(test)]
mod tests {
    use jiff::Span;

    use super::{hours::tests::helsinki, *};
    use crate::device::GpuProgram;

    fn at_noon() -> Readings {
        Readings {
            now: helsinki(11, 26, 12, 0),
            taken_at: Instant::now(),
            gpu: None,
            computing: false,
            on_battery: None,
        }
    }

    fn gpu(temperature: u32, utilisation: u32, others: &[(&str, u32)]) -> Option<GpuReading> {
        let others = others.iter().map(|&(name, percent)| GpuProgram {
            name: name.into(),
            percent,
        });
        Some(GpuReading {
            temperature: Some(temperature),
            utilisation: Some(utilisation),
            others: others.collect(),
        })
    }

    #[test]
    fn without_limits_nothing_pauses() {
        let mut judge = Judge::new(Limits::default());
        let readings = Readings {
            gpu: gpu(110, 100, &[("game", 100)]),
            on_battery: Some(true),
            ..at_noon()
        };
        assert_eq!(judge.judge(&readings), None);
    }

    #[test]
    fn what_the_machine_does_not_tell_limits_nothing() {
        let mut judge = Judge::new(Limits {
            max_gpu_temperature: Some(60),
            yield_to_gpu_jobs: true,
            not_on_battery: true,
            hours: Vec::new(),
        });
        assert_eq!(judge.judge(&at_noon()), None);
    }

    #[test]
    fn outside_its_hours_it_waits_for_the_next() {
        let mut judge = Judge::new(Limits {
            hours: vec![Hours::parse("18-08").unwrap()],
            ..Limits::default()
        });
        let until = "18:00".to_owned();
        assert_eq!(
            judge.judge(&at_noon()),
            Some(PauseReason::OutsideHours { until })
        );
        let night = Readings {
            now: helsinki(11, 26, 20, 0),
            ..at_noon()
        };
        assert_eq!(judge.judge(&night), None);
    }

    #[test]
    fn a_hot_gpu_rests_until_it_is_some_degrees_cooler() {
        let mut judge = Judge::new(Limits {
            max_gpu_temperature: Some(80),
            ..Limits::default()
        });
        let pauses = [70, 80, 81, 78, 76, 75, 79, 80, 85, 75].map(|degrees| {
            let readings = Readings {
                gpu: gpu(degrees, 0, &[]),
                ..at_noon()
            };
            judge.judge(&readings).is_some()
        });
        assert_eq!(
            pauses,
            [
                false, false, true, true, true, false, false, false, true, false
            ]
        );
    }

    #[test]
    fn a_driver_that_falls_silent_cools_nothing() {
        let mut judge = Judge::new(Limits {
            max_gpu_temperature: Some(80),
            ..Limits::default()
        });
        let begun = Instant::now();
        let mut after = |seconds, degrees: Option<u32>| {
            let readings = Readings {
                gpu: degrees.and_then(|degrees| gpu(degrees, 0, &[])),
                taken_at: begun + Duration::from_secs(seconds),
                ..at_noon()
            };
            judge.judge(&readings)
        };
        let reason = after(0, Some(85));
        assert!(reason.is_some());
        assert_eq!(after(5, None), reason);
        assert_eq!(after(100, Some(85)), reason);
        assert_eq!(after(399, None), reason);
        assert_eq!(after(400, None), None, "nobody tells any more");
        assert_eq!(after(405, Some(79)), None);
        assert_eq!(after(410, Some(85)), reason);
    }

    #[test]
    fn a_job_is_anothers_program_or_a_busy_gpu_while_the_node_rests() {
        // (program and its share, use of the whole GPU, the node computes, a job)
        let cases = [
            (Some(("game", 80)), 80, true, true),
            (Some(("Xorg", 9)), 9, false, false),
            (Some(("Xorg", 9)), 95, true, false),
            (None, 95, true, false),
            (None, 60, false, true),
            (None, 10, false, false),
        ];
        for (program, utilisation, computing, is_job) in cases {
            let mut judge = Judge::new(Limits {
                yield_to_gpu_jobs: true,
                ..Limits::default()
            });
            let readings = Readings {
                gpu: gpu(50, utilisation, program.as_slice()),
                computing,
                ..at_noon()
            };
            let judged = judge.judge(&readings);
            assert_eq!(judged.is_some(), is_job, "{readings:?}");
        }
    }

    #[test]
    fn after_a_job_a_minute_of_calm_is_waited_for() {
        let mut judge = Judge::new(Limits {
            yield_to_gpu_jobs: true,
            ..Limits::default()
        });
        let begun = Instant::now();
        let mut after = |seconds, percent: u32| {
            let readings = Readings {
                taken_at: begun + Duration::from_secs(seconds),
                gpu: gpu(50, percent, &[("game", percent)]),
                ..at_noon()
            };
            judge.judge(&readings)
        };
        let game = Some(PauseReason::GpuInUse {
            by: Some("game".into()),
        });
        assert_eq!(after(0, 90), game);
        assert_eq!(after(50, 3), game, "between two levels");
        assert_eq!(after(55, 90), game);
        assert_eq!(after(114, 0), game);
        assert_eq!(after(115, 0), None);
    }

    #[test]
    fn a_clock_that_is_set_makes_no_pause_longer_or_shorter() {
        let mut judge = Judge::new(Limits {
            yield_to_gpu_jobs: true,
            ..Limits::default()
        });
        let begun = Instant::now();
        let mut after = |seconds, hours_off: i64, percent| {
            let readings = Readings {
                now: &at_noon().now + Span::new().hours(hours_off),
                taken_at: begun + Duration::from_secs(seconds),
                gpu: gpu(50, percent, &[]),
                ..at_noon()
            };
            judge.judge(&readings).is_some()
        };
        assert!(after(0, 0, 90));
        assert!(after(5, 1, 0), "set forward");
        assert!(!after(65, -1, 0), "set back");
    }

    #[test]
    fn a_laptop_on_its_battery_rests() {
        let mut judge = Judge::new(Limits {
            not_on_battery: true,
            ..Limits::default()
        });
        for (on_battery, paused) in [(Some(true), true), (Some(false), false), (None, false)] {
            let readings = Readings {
                on_battery,
                ..at_noon()
            };
            assert_eq!(judge.judge(&readings).is_some(), paused, "{on_battery:?}");
        }
    }
}
