//! What audits had found before a restart: whoever was suspended stays so.

use std::time::Duration;

use tokio::time::sleep;

use crate::{dispatch::Dispatcher, store::AdminStore};

/// Between two tries to read a database that can't be read.
const PAUSE: Duration = Duration::from_secs(5);

/// A minute of them; what is learnt later would come late.
const TRIES: u32 = 12;

/// Until the database was read, nodes are audited as if nobody knew them.
pub(crate) async fn recall_audits(store: AdminStore, dispatcher: Dispatcher) {
    for tried in 1..=TRIES {
        match store.load_audits().await {
            Ok(known) => return dispatcher.remember_audits(known),
            Err(error) if tried == 1 => tracing::error!(
                "what audits found before can't be read, so every node is audited anew; trying again: {error}"
            ),
            Err(_) => {}
        }
        sleep(PAUSE).await;
    }
}
