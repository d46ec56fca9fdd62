//! Keys: who may ask, compute or operate, how much, and how much it was.
//!
//! [`Book`] is all keys as a plain value, [`Ledger`] what their holders have asked for; each is owned by one
//! task, the [`keeper`] and the [`meter`]. The book is shown through a watch channel, so a check
//! costs neither the disk nor a wait.

mod book;
mod client;
mod edit;
mod keeper;
mod key;
mod ledger;
mod limits;
mod meter;
mod owners;
mod secret;
mod settling;
#[cfg(test)]
pub(crate) mod testing;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use protocol::Owner;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use crate::{
    admin::Author,
    clock::unix_seconds,
    dispatch::{OutcomeSink, Record},
    store::{Recorder, Store, StoreError},
};
use keeper::{Change, Keeper, Shelf, Wish};
use owners::Owners;

pub use book::Book;
pub use client::{Bill, Client, KeyId, Reserved};
pub use edit::{EditError, Order};
pub use keeper::{ChangeError, Changed};
pub use key::{AllowedNodes, Key, KeyFault, PreviousSecret, Scope, StoredSecret, Terms};
pub use ledger::{Allowance, Ledger, LimitReached, Moment, Span, Standing, Unit};
pub use limits::Limits;
pub use meter::{Admission, Meter};
pub use secret::{BEGINNING, Digest, KeyPrefix, KeySecret, NoRandomness, random_text};
pub use settling::Settling;

/// What may wait for the keeper; whoever finds no room waits.
const WISHES: usize = 16;

/// Between two looks whether a key that is in use has expired.
const EXPIRY_PAUSE: Duration = Duration::from_secs(15);

/// A handle to the keys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Keys {
    shelf: watch::Receiver<Shelf>,
    wishes: mpsc::Sender<Wish>,
    meter: Meter,
    recorder: Recorder,
    owners: Owners,
}

impl Keys {
    /// Starts the two tasks on the current runtime.
    pub fn start(store: &Store) -> Self {
        let meter = Meter::start();
        let (shown, shelf) = watch::channel(Shelf::Loading);
        let (wishes, inbox) = mpsc::channel(WISHES);
        let keeper = Keeper {
            store: store.admin(),
            meter: meter.clone(),
            shelf: shown,
        };
        tokio::spawn(keeper.run(inbox));
        Self {
            shelf,
            wishes,
            meter,
            recorder: store.recorder(),
            owners: Owners::new(),
        }
    }

    /// All keys as they are now; waits only while the hub starts.
    ///
    /// # Errors
    /// Where the database could not be read yet.
    pub async fn book(&self) -> Result<Arc<Book>, StoreError> {
        let mut shelf = self.shelf.clone();
        let loaded = shelf
            .wait_for(|shelf| !matches!(shelf, Shelf::Loading))
            .await;
        match loaded.as_deref() {
            Ok(Shelf::Ready(book)) => Ok(Arc::clone(book)),
            _ => Err(StoreError::new("the hub's keys can't be read right now")),
        }
    }

    /// Whether the key still is what it was let in as. A hub that can't read its keys takes none back.
    pub fn is_good(&self, id: KeyId, scope: Scope) -> bool {
        match &*self.shelf.borrow() {
            Shelf::Ready(book) => book
                .get(id)
                .is_some_and(|key| key.check(unix_seconds()).is_ok() && key.terms.allow(scope)),
            Shelf::Loading | Shelf::Unreadable => true,
        }
    }

    /// Returns once the key is not what it was let in as any more.
    pub(crate) async fn not_good(&self, id: KeyId, scope: Scope) {
        let mut shelf = self.shelf.clone();
        while self.is_good(id, scope) {
            // Nobody tells of a key that expires.
            let changed = timeout(EXPIRY_PAUSE, shelf.changed()).await;
            if matches!(changed, Ok(Err(_))) {
                // The hub is gone.
                return;
            }
        }
    }

    /// The key that this is the secret of.
    ///
    /// # Errors
    /// The fault, and a database that could not be read yet.
    pub async fn find(&self, secret: &str) -> Result<Result<Arc<Key>, KeyFault>, StoreError> {
        let Some(secret) = KeySecret::parse(secret) else {
            return Ok(Err(KeyFault::Unknown));
        };
        let book = self.book().await?;
        Ok(book.find(&secret, unix_seconds()).map(Arc::clone))
    }

    /// Changes a key, and remembers who did.
    pub async fn change(&self, order: Order, author: Author) -> Result<Changed, ChangeError> {
        // Orders of a hub that can't read its keys would wait for a database that may never come.
        self.book().await?;
        let (reply, replied) = oneshot::channel();
        let change = Box::new(Change {
            order,
            author,
            reply,
        });
        let stopping = || StoreError::new("the hub is stopping");
        let sent = self.wishes.send(Wish::Change(change)).await;
        sent.map_err(|_| stopping())?;
        replied.await.map_err(|_| stopping())?
    }

    /// Sees what another process has changed, soon.
    pub(crate) async fn look_again(&self) {
        // A keeper that is gone went with the hub.
        let _ = self.wishes.send(Wish::LookAgain).await;
    }

    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Whose prompts and nodes the key's are.
    pub fn owner_of(&self, key: &Key) -> Option<Owner> {
        self.owners.of(key)
    }

    /// Remembers that a key was used for something other than a prompt.
    pub fn used(&self, key: KeyId) {
        self.recorder.record(Record::KeyUsed {
            key,
            at: SystemTime::now(),
        });
    }

    /// Passes records on to `sink`, and settles the bills of prompts on the way.
    pub fn settling(&self, sink: Arc<dyn OutcomeSink>) -> Settling {
        Settling::new(self.meter.clone(), sink)
    }
}
