//! The one task that changes keys: reads them when the hub starts, writes each change down before it
//! counts, and shows the book as it is.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::sleep,
};

use super::{Book, Client, EditError, Key, KeySecret, Meter, Order};
use crate::{
    admin::{Author, LogEntry},
    store::{AdminStore, StoreError},
};

/// Between two tries to read the keys of a database that can't be read.
const PAUSE: Duration = Duration::from_secs(5);

/// What everyone sees of the keys.
#[derive(Clone, Debug)]
pub(super) enum Shelf {
    Loading,
    Unreadable,
    Ready(Arc<Book>),
}

#[derive(Debug)]
pub(super) struct Change {
    pub(super) order: Order,
    pub(super) author: Author,
    pub(super) reply: oneshot::Sender<Result<Changed, ChangeError>>,
}

/// A key after a change, and its secret where it got a new one.
#[derive(Debug)]
pub struct Changed {
    pub key: Arc<Key>,
    pub secret: Option<KeySecret>,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(super) struct Keeper {
    pub(super) store: AdminStore,
    pub(super) meter: Meter,
    pub(super) shelf: watch::Sender<Shelf>,
}

pub(crate) fn unix_seconds() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.unwrap_or_default().as_secs()
}

impl Keeper {
    /// Runs until the last handle is dropped.
    pub(super) async fn run(self, mut changes: mpsc::Receiver<Change>) {
        let mut book = tokio::select! {
            book = self.load() => Arc::new(book),
            () = self.shelf.closed() => return,
        };
        self.shelf.send_replace(Shelf::Ready(Arc::clone(&book)));
        while let Some(change) = changes.recv().await {
            let changed = self.change(&mut book, change.order, change.author).await;
            // Whoever asked may have left; the change stands.
            let _ = change.reply.send(changed);
        }
    }

    async fn load(&self) -> Book {
        loop {
            match self.store.load_keys().await {
                Ok(stored) => {
                    for (id, usage) in stored.used_on_last_day {
                        let tokens = usage.prompt_tokens + usage.completion_tokens;
                        self.meter
                            .restore(Client::Key(id), usage.day, usage.prompts, tokens);
                    }
                    return Book::new(stored.keys);
                }
                Err(error) => {
                    if !matches!(*self.shelf.borrow(), Shelf::Unreadable) {
                        tracing::error!(
                            "the keys can't be read, so none is accepted; trying again: {error}"
                        );
                    }
                    self.shelf.send_replace(Shelf::Unreadable);
                }
            }
            sleep(PAUSE).await;
        }
    }

    async fn change(
        &self,
        book: &mut Arc<Book>,
        order: Order,
        author: Author,
    ) -> Result<Changed, ChangeError> {
        let edited = book.edit(order, unix_seconds())?;
        let subject = format!("key {} ({})", edited.key.id.0, edited.key.terms.name);
        let entry = LogEntry::now(author, edited.action, subject, edited.details);
        let id = edited.key.id;
        self.store.write_key(edited.key.clone(), entry).await?;
        *book = Arc::new(book.with(edited.key));
        self.shelf.send_replace(Shelf::Ready(Arc::clone(book)));
        let key = book.get(id).ok_or(EditError::NotFound(id))?;
        Ok(Changed {
            key: Arc::clone(key),
            secret: edited.secret,
        })
    }
}
