//! What the node tells of itself: on its page and in `kipina-node status`.

use super::Language;
use crate::status::PauseReason;

impl Language {
    pub fn pause_reason(self, reason: &PauseReason) -> String {
        match reason {
            PauseReason::OutsideHours { until } => self.pick(
                format!("ei työaikaa ennen kello {until}"),
                format!("outside its hours until {until}"),
            ),
            PauseReason::GpuTooHot {
                celsius,
                limit_celsius,
            } => self.pick(
                format!("näytönohjain on {celsius} °C, raja {limit_celsius} °C"),
                format!("the GPU is at {celsius} °C, the limit is {limit_celsius} °C"),
            ),
            PauseReason::GpuInUse { by: Some(by) } => self.pick(
                format!("näytönohjain on muussa käytössä: {by}"),
                format!("something else uses the GPU: {by}"),
            ),
            PauseReason::GpuInUse { by: None } => self
                .pick(
                    "näytönohjain on muussa käytössä",
                    "something else uses the GPU",
                )
                .to_owned(),
        }
    }
}
