//! After a restart, the nodes that were here before come back within seconds: prompts wait for them.

use std::time::Duration;

use tokio::time::sleep;

use crate::{dispatch::Dispatcher, store::StoreReader};

/// A hub that never had a node expects none, and says so at once.
pub(crate) async fn expect_old_nodes(
    store: &StoreReader,
    dispatcher: &Dispatcher,
    within: Duration,
) {
    if within.is_zero() || !store.knows_nodes().await {
        return;
    }
    dispatcher.expect_nodes(true);
    let dispatcher = dispatcher.clone();
    tokio::spawn(async move {
        sleep(within).await;
        dispatcher.expect_nodes(false);
    });
}
