//! The limits that the owner set, checked.

use super::{ConfigError, checks::Checks};
use crate::limits::{Hours, Limits};

impl Checks<'_> {
    pub(super) fn limits(&mut self) -> Limits {
        let arguments = self.arguments;
        let mut hours = Vec::new();
        for value in &arguments.hours {
            match Hours::parse(value) {
                Some(parsed) => hours.push(parsed),
                None => self.problems.push(ConfigError::InvalidHours {
                    value: value.clone(),
                }),
            }
        }
        let temperature = arguments.max_gpu_temperature.as_deref();
        Limits {
            hours,
            max_gpu_temperature: self.number("--max-gpu-temperature", temperature, 30, 120),
            yield_to_gpu_jobs: arguments.yield_to_gpu_jobs,
            not_on_battery: arguments.not_on_battery,
        }
    }
}
