//! The one task that changes keys: reads them when the hub starts, writes each change down before it
//! counts, and shows the book as it is.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::sleep,
};

use super::{Book, Client, EditError, Key, KeySecret, Meter, Order};
use crate::{
    admin::{Author, LogEntry},
    clock::unix_seconds,
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
pub(super) enum Wish {
    Change(Box<Change>),
    /// To see what another process has changed.
    LookAgain,
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

impl Keeper {
    /// Runs until the last handle is dropped.
    pub(super) async fn run(self, mut wishes: mpsc::Receiver<Wish>) {
        let book = tokio::select! {
            book = self.load() => book,
            () = self.shelf.closed() => return,
        };
        self.show(book);
        while let Some(wish) = wishes.recv().await {
            match wish {
                Wish::Change(change) => {
                    let changed = self.change(change.order, change.author).await;
                    // Whoever asked may have left; the change stands.
                    let _ = change.reply.send(changed);
                }
                Wish::LookAgain => match self.store.load_keys().await {
                    Ok(stored) => {
                        self.show(Book::new(stored.keys));
                    }
                    Err(error) => tracing::error!(
                        "what was changed of the keys can't be read; they stay as they were known: {error}"
                    ),
                },
            }
        }
    }

    fn show(&self, book: Book) -> Arc<Book> {
        let book = Arc::new(book);
        self.shelf.send_replace(Shelf::Ready(Arc::clone(&book)));
        book
    }

    async fn load(&self) -> Book {
        loop {
            match self.store.load_keys().await {
                Ok(stored) => {
                    for (id, usage) in stored.used_today {
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

    /// Of the keys as they are in the database: while one hub takes another's place, both may change them.
    async fn change(&self, order: Order, author: Author) -> Result<Changed, ChangeError> {
        let book = Book::new(self.store.load_keys().await?.keys);
        let edited = book.edit(order, unix_seconds())?;
        let subject = format!("key {} ({})", edited.key.id.0, edited.key.terms.name);
        let entry = LogEntry::now(author, edited.action, subject, edited.details);
        let id = edited.key.id;
        self.store.write_key(edited.key.clone(), entry).await?;
        let book = self.show(book.with(edited.key));
        let key = book.get(id).ok_or(EditError::NotFound(id))?;
        Ok(Changed {
            key: Arc::clone(key),
            secret: edited.secret,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use serde_json::json;

    use crate::{
        admin::{Author, Who},
        keys::{ChangeError, EditError, KeyId, Keys, Order, Terms},
        store::{Store, StoreSettings},
    };

    fn terms(name: &str) -> Terms {
        serde_json::from_value(json!({ "name": name })).unwrap()
    }

    #[tokio::test]
    async fn two_processes_that_change_keys_undo_nothing_of_each_others() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = || Store::start(StoreSettings::new(folder.path().join("hub.db"))).unwrap();
        let (old, new) = (store(), store());
        let (old, new) = (Keys::start(&old), Keys::start(&new));
        // Both have read that there is none.
        assert_eq!(old.book().await.unwrap().keys().count(), 0);
        assert_eq!(new.book().await.unwrap().keys().count(), 0);
        let author = || Author {
            who: Who::ThisMachine,
            address: Ipv4Addr::LOCALHOST.into(),
        };
        for (keys, name, id) in [(&old, "aino", 1), (&new, "väinö", 2), (&old, "ilmari", 3)] {
            let made = keys.change(Order::Create(terms(name)), author()).await;
            assert_eq!(made.unwrap().key.id, KeyId(id));
        }
        old.change(Order::Revoke(KeyId(2)), author()).await.unwrap();
        let renamed = Order::Amend(KeyId(2), json!({"name": "lempi"}));
        let refused = new.change(renamed, author()).await.unwrap_err();
        let is_revoked = |error| matches!(error, ChangeError::Edit(EditError::Revoked(KeyId(2))));
        assert!(is_revoked(refused));
        new.look_again().await;
        new.change(Order::Revoke(KeyId(1)), author()).await.unwrap();
        let names = |book: &crate::keys::Book| {
            let keys = book.keys();
            keys.map(|key| (key.terms.name.clone(), key.revoked_at.is_some()))
                .collect::<Vec<_>>()
        };
        let expected = [("aino", true), ("väinö", true), ("ilmari", false)]
            .map(|(name, is_revoked)| (name.to_owned(), is_revoked));
        assert_eq!(names(&new.book().await.unwrap()), expected);
    }
}
