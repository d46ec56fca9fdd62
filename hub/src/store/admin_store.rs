//! What must be written before it counts: changes of keys, and who made them. Unlike records these are
//! waited for, and a failure is told.

use std::sync::mpsc::SyncSender;

use tokio::sync::oneshot;

use super::{StoreError, StoredKeys, writer::Command};
use crate::{admin::LogEntry, keys::Key};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct AdminStore {
    commands: SyncSender<Command>,
}

/// Written in one transaction.
#[derive(Debug)]
pub(super) struct AdminChange {
    pub(super) key: Option<Key>,
    pub(super) entry: LogEntry,
}

impl AdminStore {
    pub(super) fn new(commands: SyncSender<Command>) -> Self {
        Self { commands }
    }

    pub async fn load_keys(&self) -> Result<StoredKeys, StoreError> {
        self.ask(Command::LoadKeys).await
    }

    /// Writes the key as it is now, and the entry about it.
    pub async fn write_key(&self, key: Key, entry: LogEntry) -> Result<(), StoreError> {
        let key = Some(key);
        let change = Box::new(AdminChange { key, entry });
        self.ask(|reply| Command::Administer(change, reply)).await
    }

    /// Writes that something else was changed.
    pub async fn write_entry(&self, entry: LogEntry) -> Result<(), StoreError> {
        let change = Box::new(AdminChange { key: None, entry });
        self.ask(|reply| Command::Administer(change, reply)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Command,
    ) -> Result<T, StoreError> {
        let stopped = || StoreError::new("the hub is stopping");
        let (reply, replied) = oneshot::channel();
        let (commands, command) = (self.commands.clone(), command(reply));
        let sent = tokio::task::spawn_blocking(move || commands.send(command)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return Err(stopped());
        }
        replied.await.unwrap_or_else(|_| Err(stopped()))
    }
}
