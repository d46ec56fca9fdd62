//! What the node is doing, for its owner to see: one plain value, told by whoever knows, watched by
//! whoever shows it.

mod pause;
mod report;
mod snapshot;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use protocol::LlmErrorCode;
use tokio::sync::watch;

use self::snapshot::Measured;
pub use self::{
    pause::PauseReason,
    report::{Mood, Report, Row},
    snapshot::{
        Connection, ConnectionState, Pause, Processor, Prompts, Snapshot, Trouble, TroubleKind,
    },
};
use crate::{config::without_user, error::LossReason};

/// A handle: clones tell of the same node.
#[derive(Clone, Debug)]
pub struct Status {
    snapshot: Arc<watch::Sender<Snapshot>>,
}

impl Default for Status {
    fn default() -> Self {
        let snapshot = Snapshot::new(std::process::id(), now());
        Self {
            snapshot: Arc::new(watch::Sender::new(snapshot)),
        }
    }
}

impl Status {
    pub fn watch(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.subscribe()
    }

    /// The backend has started, and the node begins to look for its hub.
    pub fn started(&self, name: &str, hub: &str, slots: u32) {
        self.change(|snapshot, now| {
            snapshot.name = Some(name.to_owned());
            snapshot.hub = Some(without_user(hub));
            snapshot.slots = slots;
            snapshot.connection(ConnectionState::Connecting, None, now);
        });
    }

    /// As in `Ollama, http://localhost:11434`.
    pub fn backend(&self, backend: &str) {
        self.change(|snapshot, _| snapshot.backend = Some(without_user(backend)));
    }

    /// A model was loaded, and this computes it.
    pub fn processor(&self, processor: Processor) {
        self.change(|snapshot, _| snapshot.processor = Some(processor));
    }

    pub fn models(&self, ids: Vec<String>) {
        self.change(|snapshot, _| snapshot.models = ids);
    }

    /// The backend does not answer.
    pub fn backend_lost(&self, message: &str) {
        let message = message.to_owned();
        self.change(|snapshot, now| snapshot.trouble(TroubleKind::Backend { message }, now));
    }

    pub fn connected(&self) {
        self.change(|snapshot, now| {
            snapshot.connection(ConnectionState::Connected, None, now);
        });
    }

    pub fn lost(&self, reason: &LossReason) {
        self.change(|snapshot, now| {
            snapshot.connection(ConnectionState::Lost, Some(reason.clone()), now);
            let reason = reason.clone();
            snapshot.trouble(TroubleKind::Hub { reason }, now);
        });
    }

    pub fn stopping(&self) {
        self.change(|snapshot, now| {
            snapshot.connection(ConnectionState::Stopping, None, now);
        });
    }

    /// `None`: prompts are welcome again.
    pub fn paused(&self, reason: Option<PauseReason>) {
        self.change(|snapshot, now| {
            let since_at = snapshot.paused.as_ref().map_or(now, |pause| pause.since_at);
            snapshot.paused = reason.map(|reason| Pause { reason, since_at });
        });
    }

    /// One more prompt is being answered, until the returned value is told the end or dropped.
    pub fn prompt_began(&self) -> PromptStatus {
        self.change(|snapshot, _| snapshot.busy += 1);
        PromptStatus {
            status: self.clone(),
            ended: false,
        }
    }

    fn change(&self, change: impl FnOnce(&mut Snapshot, u64)) {
        self.snapshot
            .send_modify(|snapshot| change(snapshot, now()));
    }
}

/// A prompt that is being answered. Dropped without an end, it was cancelled.
#[derive(Debug)]
pub struct PromptStatus {
    status: Status,
    ended: bool,
}

impl PromptStatus {
    /// `tokens` of the answer, and how long decoding them took.
    pub fn served(mut self, tokens: u32, decode: Duration) {
        self.ended = true;
        let seconds = decode.as_secs_f64();
        self.status
            .change(|snapshot, _| snapshot.prompts.served(Measured { tokens, seconds }));
    }

    pub fn failed(mut self, model: &str, code: LlmErrorCode) {
        self.ended = true;
        self.status.change(|snapshot, now| {
            snapshot.prompts.failed += 1;
            let model = model.to_owned();
            snapshot.trouble(TroubleKind::Prompt { model, code }, now);
        });
    }
}

impl Drop for PromptStatus {
    fn drop(&mut self) {
        self.status.change(|snapshot, _| {
            snapshot.busy = snapshot.busy.saturating_sub(1);
            snapshot.prompts.cancelled += u64::from(!self.ended);
        });
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_counted_from_their_beginning_to_their_end() {
        let status = Status::default();
        let shown = status.watch();
        let (first, second, third) = (
            status.prompt_began(),
            status.prompt_began(),
            status.prompt_began(),
        );
        assert_eq!(shown.borrow().busy, 3);
        first.served(30, Duration::from_secs(2));
        second.failed("m", LlmErrorCode::OutOfMemory);
        drop(third);
        let snapshot = shown.borrow().clone();
        let prompts = snapshot.prompts;
        assert_eq!(snapshot.busy, 0);
        assert_eq!(
            (prompts.served, prompts.failed, prompts.cancelled),
            (1, 1, 1)
        );
        assert_eq!(
            (prompts.tokens, prompts.tokens_per_second),
            (30, Some(15.0))
        );
        let code = LlmErrorCode::OutOfMemory;
        let model = "m".to_owned();
        assert_eq!(
            snapshot.last_error.unwrap().what,
            TroubleKind::Prompt { model, code }
        );
    }

    #[test]
    fn the_speed_is_that_of_the_last_answers() {
        let status = Status::default();
        status
            .prompt_began()
            .served(1_000_000, Duration::from_secs(1));
        for _ in 0..20 {
            status.prompt_began().served(10, Duration::from_secs(1));
        }
        // One without a measured time says nothing of the speed.
        status.prompt_began().served(10, Duration::ZERO);
        let prompts = status.watch().borrow().prompts.clone();
        assert_eq!(prompts.tokens_per_second, Some(10.0));
        assert_eq!((prompts.served, prompts.tokens), (22, 1_000_210));
    }

    #[test]
    fn a_connection_that_stays_lost_is_lost_since_the_first_time() {
        let mut snapshot = Snapshot::new(1, 100);
        snapshot.connection(ConnectionState::Connected, None, 110);
        snapshot.connection(ConnectionState::Lost, Some(LossReason::Ended), 120);
        snapshot.connection(ConnectionState::Lost, Some(LossReason::NoAnswer), 130);
        assert_eq!(snapshot.connection.since_at, 120);
        assert_eq!(snapshot.connection.reason, Some(LossReason::NoAnswer));
        snapshot.connection(ConnectionState::Connected, None, 140);
        assert_eq!(
            (snapshot.connection.since_at, snapshot.connection.reason),
            (140, None)
        );
    }

    #[test]
    fn a_snapshot_travels_as_json() {
        let status = Status::default();
        status.started("Sauna", "wss://aino:secret@hub.example/ws", 2);
        status.models(vec!["m".into()]);
        status.processor(Processor::Gpu {
            adapter: "NVIDIA GeForce RTX 4090".into(),
        });
        status.paused(Some(PauseReason::GpuInUse { by: None }));
        status.prompt_began().served(3, Duration::from_secs(1));
        status.lost(&LossReason::Closed {
            code: 4007,
            reason: "back soon".into(),
        });
        let mut snapshot = status.watch().borrow().clone();
        snapshot.prompts.measured.clear();
        let json = serde_json::to_string(&snapshot).unwrap();
        assert!(!json.contains("secret"), "{json}");
        assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);
    }
}
