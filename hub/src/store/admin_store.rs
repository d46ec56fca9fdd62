//! What must be written before it counts: what operators change, and who they are. Unlike records these are
//! waited for, and a failure is told.

use std::{
    path::Path,
    sync::{Arc, mpsc::SyncSender},
};

use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    StoreError, StoredKeys, beside,
    decisions::{StoredRules, StoredSettings},
    writer::Command,
};
use crate::{
    admin::LogEntry,
    dispatch::{Identity, KnownAudits},
    keys::Key,
    rules::{NodeRule, RuleId},
};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct AdminStore {
    commands: SyncSender<Command>,
    path: Arc<Path>,
}

/// Written in one transaction.
#[derive(Debug)]
pub(super) struct AdminChange {
    pub(super) changes: Vec<StoredChange>,
    pub(super) entry: LogEntry,
}

#[derive(Debug)]
pub(crate) enum StoredChange {
    /// As it is now.
    Key(Box<Key>),
    Rule(NodeRule),
    RuleTakenBack(RuleId),
    /// Who is suspended no more.
    Reinstated(Identity),
    Setting {
        name: &'static str,
        /// None: as at the start again.
        value: Option<Value>,
    },
}

impl AdminStore {
    pub(super) fn new(commands: SyncSender<Command>, path: Arc<Path>) -> Self {
        Self { commands, path }
    }

    pub async fn load_keys(&self) -> Result<StoredKeys, StoreError> {
        self.ask(Command::LoadKeys).await
    }

    pub(crate) async fn load_rules(&self) -> Result<StoredRules, StoreError> {
        self.ask(Command::LoadRules).await
    }

    /// The rules as a file beside the database has them, for as long as the database can't be read.
    pub(crate) fn copied_rules(&self) -> StoredRules {
        beside::read(&self.path).rules
    }

    /// Likewise.
    pub(crate) fn copied_settings(&self) -> StoredSettings {
        beside::read(&self.path).settings
    }

    pub async fn load_audits(&self) -> Result<KnownAudits, StoreError> {
        self.ask(Command::LoadAudits).await
    }

    /// Every setting that was ever changed, by its name.
    pub(crate) async fn load_settings(&self) -> Result<StoredSettings, StoreError> {
        self.ask(Command::LoadSettings).await
    }

    /// Writes the key as it is now, and the entry about it.
    pub async fn write_key(&self, key: Key, entry: LogEntry) -> Result<(), StoreError> {
        self.write(vec![StoredChange::Key(Box::new(key))], entry)
            .await
    }

    /// Writes that something was changed that is kept nowhere else.
    pub async fn write_entry(&self, entry: LogEntry) -> Result<(), StoreError> {
        self.write(Vec::new(), entry).await
    }

    pub(crate) async fn write(
        &self,
        changes: Vec<StoredChange>,
        entry: LogEntry,
    ) -> Result<(), StoreError> {
        let change = Box::new(AdminChange { changes, entry });
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
