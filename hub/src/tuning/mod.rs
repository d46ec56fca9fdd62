//! Settings that operators change while the hub runs. The environment says what holds at first; what an operator
//! set instead lies in the database, and holds until it is taken back.

mod table;
mod tuned;

use std::sync::Arc;

use crate::{dispatch::Dispatcher, kept::Kept, store::AdminStore};

pub(crate) use table::{Kind, SETTINGS, Setting};
pub use tuned::Tuned;
pub(crate) use tuned::{SettingError, Settings};

/// Reads what was set, and has it hold wherever it counts.
pub(crate) fn start(at_start: Tuned, store: AdminStore, dispatcher: Dispatcher) -> Kept<Settings> {
    let meanwhile = Settings::new(at_start.clone(), store.copied_settings());
    let load = move |store: AdminStore| {
        let at_start = at_start.clone();
        async move { Ok(Settings::new(at_start, store.load_settings().await?)) }
    };
    let apply = move |settings: &Arc<Settings>| {
        dispatcher.tune(settings.tuned.dispatch.clone());
    };
    Kept::start("the settings", store, meanwhile, load, apply)
}
