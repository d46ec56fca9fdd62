//! Reads the machine every few seconds, and tells everybody whether the node may compute.

use std::time::{Duration, Instant};

use jiff::ZonedDateTime;
use tokio::sync::watch;

use super::{Judge, Limits, Readings};
use crate::{
    device::{Sensors, battery, gpu_load},
    language::Language,
    status::{PauseReason, Status},
};

/// Often enough for a game that starts; seldom enough that asking costs nothing.
const INTERVAL: Duration = Duration::from_secs(5);

/// Why the node takes no prompts, now and whenever that changes. The first judgement is made when
/// this returns; without limits none is made at all.
pub async fn watch(
    limits: Limits,
    sensors: Sensors,
    status: Status,
    language: Language,
) -> watch::Receiver<Option<PauseReason>> {
    watch_every(INTERVAL, limits, sensors, status, language).await
}

async fn watch_every(
    interval: Duration,
    limits: Limits,
    sensors: Sensors,
    status: Status,
    language: Language,
) -> watch::Receiver<Option<PauseReason>> {
    let (sender, receiver) = watch::channel(None);
    if limits.are_none() {
        return receiver;
    }
    let mut reader = Reader {
        ended: prompts(&status).1,
        limits: limits.clone(),
        sensors,
        status,
    };
    let mut judge = Judge::new(limits);
    let readings = reader.read().await;
    warn_of_silence(&reader.limits, &readings, language);
    tell(&sender, judge.judge(&readings), &reader.status, language);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = sender.closed() => return,
                () = tokio::time::sleep(interval) => {}
            }
            let readings = reader.read().await;
            let was_hot = is_hot(&sender);
            tell(&sender, judge.judge(&readings), &reader.status, language);
            if was_hot && !is_hot(&sender) && temperature(&readings).is_none() {
                warn_of_silence(&reader.limits, &readings, language);
            }
        }
    });
    receiver
}

fn tell(
    sender: &watch::Sender<Option<PauseReason>>,
    judged: Option<PauseReason>,
    status: &Status,
    language: Language,
) {
    sender.send_if_modified(|current| {
        match (&*current, &judged) {
            (Some(before), Some(now)) if before.is_like(now) => {}
            (_, Some(reason)) => tracing::info!("{}", language.paused(reason)),
            (Some(_), None) => tracing::info!("{}", language.resumed()),
            (None, None) => {}
        }
        let changed = *current != judged;
        if changed {
            status.paused(judged.clone());
        }
        *current = judged;
        changed
    });
}

/// A limit that can't be kept must not look as if it were.
fn warn_of_silence(limits: &Limits, readings: &Readings, language: Language) {
    let gpu = readings.gpu.as_ref();
    if limits.max_gpu_temperature.is_some() && temperature(readings).is_none() {
        tracing::warn!("{}", language.limit_not_kept("--max-gpu-temperature"));
    }
    let no_jobs = gpu.is_none_or(|gpu| gpu.utilisation.is_none() && gpu.others.is_empty());
    if limits.yield_to_gpu_jobs && no_jobs {
        tracing::warn!("{}", language.limit_not_kept("--yield-to-gpu-jobs"));
    }
}

fn is_hot(sender: &watch::Sender<Option<PauseReason>>) -> bool {
    matches!(*sender.borrow(), Some(PauseReason::GpuTooHot { .. }))
}

fn temperature(readings: &Readings) -> Option<u32> {
    readings.gpu.as_ref()?.temperature
}

struct Reader {
    limits: Limits,
    sensors: Sensors,
    status: Status,
    /// Prompts that had ended at the last reading.
    ended: u64,
}

impl Reader {
    /// Asks only for what a limit needs: some GPUs wake up to be asked.
    async fn read(&mut self) -> Readings {
        let gpu = if self.limits.need_gpu() {
            gpu_load::read(&self.sensors, self.limits.yield_to_gpu_jobs).await
        } else {
            None
        };
        let on_battery = if self.limits.not_on_battery {
            battery::in_use(&self.sensors).await
        } else {
            None
        };
        // A prompt that has just ended may have been what kept the GPU busy.
        let (busy, ended) = prompts(&self.status);
        let has_ended = ended != std::mem::replace(&mut self.ended, ended);
        Readings {
            now: ZonedDateTime::now(),
            taken_at: Instant::now(),
            gpu,
            computing: self.sensors.node_uses_gpu() && (busy || has_ended),
            on_battery,
        }
    }
}

/// Whether any prompt is being answered, and how many have ended altogether.
fn prompts(status: &Status) -> (bool, u64) {
    let receiver = status.watch();
    let snapshot = receiver.borrow();
    let prompts = &snapshot.prompts;
    let ended = prompts.served + prompts.failed + prompts.cancelled;
    (snapshot.busy > 0, ended)
}

#[cfg(all(test, unix))]
mod tests {
    use std::{os::unix::fs::PermissionsExt, path::Path};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A stand-in for nvidia-smi that tells what the test wrote into two files.
    fn nvidia_smi(folder: &Path) -> Sensors {
        let program = folder.join("nvidia-smi");
        let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\"\n\
            case \"$1\" in pmon) touch asked; cat jobs ;; *) cat gpu ;; esac\n";
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Sensors {
            nvidia_smi: program,
            sys: folder.join("sys"),
            ..Sensors::default()
        }
    }

    async fn next(
        paused: &mut watch::Receiver<Option<PauseReason>>,
        wanted: impl FnMut(&Option<PauseReason>) -> bool,
    ) {
        let waiting = paused.wait_for(wanted);
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap()
            .unwrap();
    }

    #[tokio::test]
    async fn a_hot_gpu_pauses_from_the_start_and_a_cool_one_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let sensors = nvidia_smi(folder.path());
        let gpu = folder.path().join("gpu");
        std::fs::write(&gpu, "48, 3\n91, 99\n").unwrap();
        let limits = Limits {
            max_gpu_temperature: Some(85),
            ..Limits::default()
        };
        let interval = Duration::from_millis(5);
        let status = Status::default();
        let mut paused =
            watch_every(interval, limits, sensors, status.clone(), Language::English).await;
        assert_eq!(
            *paused.borrow(),
            Some(PauseReason::GpuTooHot {
                celsius: 91,
                limit_celsius: 85
            })
        );
        std::fs::write(&gpu, "48, 3\n79, 99\n").unwrap();
        next(&mut paused, Option::is_none).await;
    }

    #[tokio::test]
    async fn a_game_pauses_and_the_nodes_own_work_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let sensors = nvidia_smi(folder.path());
        std::fs::write(folder.path().join("gpu"), "60, 97\n").unwrap();
        let jobs = folder.path().join("jobs");
        std::fs::write(
            &jobs,
            "# gpu   pid  type    sm   command\n# Idx     #   C/G     %   name\n\
             0   7   C   96   ollama\n",
        )
        .unwrap();
        let limits = Limits {
            yield_to_gpu_jobs: true,
            ..Limits::default()
        };
        let status = Status::default();
        let computing = status.prompt_began();
        let interval = Duration::from_millis(5);
        let mut paused =
            watch_every(interval, limits, sensors, status.clone(), Language::Finnish).await;
        assert_eq!(*paused.borrow(), None);
        std::fs::write(
            &jobs,
            "# gpu   pid  type    sm   command\n# Idx     #   C/G     %   name\n\
             0   7   C   46   ollama\n    0   9   C+G   50   superkart\n",
        )
        .unwrap();
        let game = Some(PauseReason::GpuInUse {
            by: Some("superkart".into()),
        });
        next(&mut paused, |reason| *reason == game).await;
        drop(computing);
    }

    #[tokio::test]
    async fn the_gpu_that_an_answer_kept_busy_until_just_now_is_no_job() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits {
            yield_to_gpu_jobs: true,
            ..Limits::default()
        };
        let status = Status::default();
        let mut reader = Reader {
            limits: limits.clone(),
            sensors: nvidia_smi(folder.path()),
            ended: 0,
            status: status.clone(),
        };
        std::fs::write(folder.path().join("gpu"), "60, 97\n").unwrap();
        let mut judge = Judge::new(limits);
        let answer = status.prompt_began();
        assert_eq!(judge.judge(&reader.read().await), None);
        drop(answer);
        assert_eq!(judge.judge(&reader.read().await), None);
        let job = PauseReason::GpuInUse { by: None };
        assert_eq!(judge.judge(&reader.read().await), Some(job));
    }

    #[tokio::test]
    async fn programs_are_asked_for_only_where_a_limit_needs_them() {
        for yield_to_gpu_jobs in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("gpu"), "60, 97\n").unwrap();
            let limits = Limits {
                max_gpu_temperature: Some(85),
                yield_to_gpu_jobs,
                ..Limits::default()
            };
            let sensors = nvidia_smi(folder.path());
            let status = Status::default();
            let _paused = watch(limits, sensors, status, Language::English).await;
            let asked = folder.path().join("asked").exists();
            assert_eq!(asked, yield_to_gpu_jobs);
        }
    }
}
