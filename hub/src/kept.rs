//! A value that operators change while the hub runs: in memory for all to see, in the database so that it
//! outlives the process. A change is written down before it counts.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::{
    sync::{Mutex, watch},
    time::sleep,
};

use crate::{
    admin::{Author, LogEntry},
    store::{AdminStore, StoreError, StoredChange},
};

/// Between two tries to read a database that can't be read.
const PAUSE: Duration = Duration::from_secs(5);

/// A handle to such a value. Cheap to clone.
pub(crate) struct Kept<V>(Arc<Inner<V>>);

struct Inner<V> {
    name: &'static str,
    store: AdminStore,
    shown: watch::Sender<Shown<V>>,
    /// Changes are made one after the other.
    turn: Mutex<()>,
    load: Load<V>,
    apply: Apply<V>,
}

type Apply<V> = Box<dyn Fn(&Arc<V>) + Send + Sync>;

type Load<V> = Box<dyn Fn() -> BoxFuture<'static, Result<V, StoreError>> + Send + Sync>;

struct Shown<V> {
    reading: Reading,
    value: Arc<V>,
}

#[derive(Clone, Copy, PartialEq)]
enum Reading {
    Begun,
    Failed,
    Done,
}

/// A change that makes sense: the new value, and what is written down of it.
pub(crate) struct Edit<V> {
    pub(crate) value: V,
    pub(crate) stored: Vec<StoredChange>,
    pub(crate) action: &'static str,
    pub(crate) subject: String,
    pub(crate) details: Value,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotChanged<E> {
    #[error(transparent)]
    Refused(E),
    #[error("{0}")]
    Store(StoreError),
}

impl<V: Send + Sync + 'static> Kept<V> {
    /// `meanwhile` holds until the database was read. `apply` is told of each value, that one first.
    pub(crate) fn start<Loading>(
        name: &'static str,
        store: AdminStore,
        meanwhile: V,
        load: impl Fn(AdminStore) -> Loading + Send + Sync + 'static,
        apply: impl Fn(&Arc<V>) + Send + Sync + 'static,
    ) -> Self
    where
        Loading: Future<Output = Result<V, StoreError>> + Send + 'static,
    {
        let shown = Shown {
            reading: Reading::Begun,
            value: Arc::new(meanwhile),
        };
        let reading = store.clone();
        let inner = Arc::new(Inner {
            name,
            store,
            shown: watch::Sender::new(shown),
            turn: Mutex::new(()),
            load: Box::new(move || Box::pin(load(reading.clone()))),
            apply: Box::new(apply),
        });
        (inner.apply)(&inner.shown.borrow().value);
        // Weak: a hub that is gone needs nothing read.
        let weak = Arc::downgrade(&inner);
        tokio::spawn(async move {
            while let Some(inner) = weak.upgrade() {
                if inner.look_again().await {
                    return;
                }
                drop(inner);
                sleep(PAUSE).await;
            }
        });
        Self(inner)
    }

    /// To see what another process has changed.
    pub(crate) async fn look_again(&self) {
        self.0.look_again().await;
    }

    /// As it is now; waits only while the hub starts.
    pub(crate) async fn now(&self) -> Arc<V> {
        let mut shown = self.0.shown.subscribe();
        let begun = shown
            .wait_for(|shown| shown.reading != Reading::Begun)
            .await;
        match begun {
            Ok(shown) => Arc::clone(&shown.value),
            // The sender is ours, so it is not gone.
            Err(_) => self.shown(),
        }
    }

    /// As it is at this moment, read or not.
    pub(crate) fn shown(&self) -> Arc<V> {
        Arc::clone(&self.0.shown.borrow().value)
    }

    /// Goes on to its end even where whoever asked leaves: what is written down must count.
    pub(crate) async fn change<E: Send + 'static>(
        &self,
        author: Author,
        edit: impl FnOnce(&V) -> Result<Edit<V>, E> + Send + 'static,
    ) -> Result<Arc<V>, NotChanged<E>> {
        self.now().await;
        let inner = Arc::clone(&self.0);
        let changing = tokio::spawn(async move { inner.change(author, edit).await });
        changing
            .await
            .unwrap_or_else(|panic| Err(NotChanged::Store(StoreError::new(panic.to_string()))))
    }
}

impl<V> Inner<V> {
    async fn change<E>(
        &self,
        author: Author,
        edit: impl FnOnce(&V) -> Result<Edit<V>, E>,
    ) -> Result<Arc<V>, NotChanged<E>> {
        let _turn = self.turn.lock().await;
        // As it is in the database: while one hub takes another's place, both may change it.
        let before = (self.load)().await.map_err(NotChanged::Store)?;
        let edit = match edit(&before) {
            Ok(edit) => edit,
            Err(refused) => {
                // It may be news here what it was refused for.
                self.show(before);
                return Err(NotChanged::Refused(refused));
            }
        };
        let entry = LogEntry::now(author, edit.action, edit.subject, edit.details);
        let written = self.store.write(edit.stored, entry).await;
        written.map_err(NotChanged::Store)?;
        self.show(edit.value);
        Ok(Arc::clone(&self.shown.borrow().value))
    }

    /// Whether it could be read.
    async fn look_again(&self) -> bool {
        let _turn = self.turn.lock().await;
        match (self.load)().await {
            Ok(value) => {
                self.show(value);
                true
            }
            Err(error) => {
                self.could_not_read(&error);
                false
            }
        }
    }

    fn show(&self, value: V) {
        let value = Arc::new(value);
        // Before it is seen: whoever sees it may rely on it.
        (self.apply)(&value);
        self.shown.send_replace(Shown {
            reading: Reading::Done,
            value,
        });
    }

    fn could_not_read(&self, error: &StoreError) {
        let name = self.name;
        self.shown.send_if_modified(|shown| {
            let is_news = shown.reading == Reading::Begun;
            match shown.reading {
                Reading::Begun => {
                    tracing::error!("{name} can't be read, so those hold that the copy beside the database has; trying again: {error}");
                    shown.reading = Reading::Failed;
                }
                // Said already.
                Reading::Failed => {}
                Reading::Done => tracing::error!(
                    "what was changed of {name} can't be read; they stay as they were known: {error}"
                ),
            }
            is_news
        });
    }
}

impl<V> Clone for Kept<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V> fmt::Debug for Kept<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kept").field(&self.0.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use serde_json::json;

    use super::*;
    use crate::{
        admin::Who,
        store::{Store, StoreSettings},
    };

    /// What a database has of a setting.
    async fn numbers(store: AdminStore) -> Result<Vec<u64>, StoreError> {
        let stored = store.load_settings().await?;
        Ok(stored
            .iter()
            .filter_map(|(_, value)| value.as_u64())
            .collect())
    }

    fn start(store: &Store) -> Kept<Vec<u64>> {
        Kept::start("the numbers", store.admin(), Vec::new(), numbers, |_| ())
    }

    async fn add(kept: &Kept<Vec<u64>>, name: &'static str, number: u64) -> Vec<u64> {
        let author = Author {
            who: Who::ThisMachine,
            address: Ipv4Addr::LOCALHOST.into(),
        };
        let edit = move |before: &Vec<u64>| {
            let mut value = before.clone();
            value.push(number);
            let (action, subject, details) = ("number.added", String::new(), json!({}));
            let value_of = Some(json!(number));
            let stored = vec![StoredChange::Setting {
                name,
                value: value_of,
            }];
            Ok::<_, StoreError>(Edit {
                value,
                stored,
                action,
                subject,
                details,
            })
        };
        kept.change(author, edit).await.unwrap().to_vec()
    }

    #[tokio::test]
    async fn two_processes_that_change_it_undo_nothing_of_each_others() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = || Store::start(StoreSettings::new(folder.path().join("hub.db"))).unwrap();
        let (old, new) = (store(), store());
        let (old, new) = (start(&old), start(&new));
        assert!(old.now().await.is_empty() && new.now().await.is_empty());
        assert_eq!(add(&old, "a", 1).await, [1]);
        assert_eq!(add(&new, "b", 2).await, [1, 2]);
        assert_eq!(*old.now().await, [1], "it has not looked since");
        old.look_again().await;
        assert_eq!(*old.now().await, [1, 2]);
    }

    #[tokio::test]
    async fn without_a_database_nothing_is_changed_and_nobody_waits() {
        let nowhere = StoreSettings::new("/dev/null/none.sqlite".into());
        let kept = start(&Store::start(nowhere).unwrap());
        assert!(kept.now().await.is_empty());
        let author = Author {
            who: Who::ThisMachine,
            address: Ipv4Addr::LOCALHOST.into(),
        };
        let nothing = |_: &Vec<u64>| Err::<Edit<Vec<u64>>, _>(StoreError::new("not asked"));
        let refused = kept.change(author, nothing).await;
        assert!(matches!(refused, Err(NotChanged::Store(_))));
    }
}
