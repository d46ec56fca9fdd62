//! What operators decide while the hub runs, all of it: about nodes, and about settings.

use crate::{
    dispatch::Dispatcher,
    kept::Kept,
    rules::{self, Rulebook},
    store::AdminStore,
    tuning::{self, Settings, Tuned},
};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Decisions {
    pub(crate) rules: Kept<Rulebook>,
    pub(crate) settings: Kept<Settings>,
}

impl Decisions {
    /// Reads what was decided before, on the current runtime. `at_start` holds where nothing was.
    pub fn start(at_start: Tuned, store: &AdminStore, dispatcher: &Dispatcher) -> Self {
        Self {
            rules: rules::start(store.clone(), dispatcher.clone()),
            settings: tuning::start(at_start, store.clone(), dispatcher.clone()),
        }
    }

    /// To see what another process has changed.
    pub(crate) async fn look_again(&self) {
        self.rules.look_again().await;
        self.settings.look_again().await;
    }
}
