//! `kipina-hub replace`, where it comes to nothing.

use crate::{handover::AskError, language::Text};

pub fn not_replaced(error: &AskError) -> Text {
    Text::new(
        format!(
            "Käyvän keskuksen tilalle ei voi astua ({error}): anna DATABASE_PATH niin kuin sille, tai jos mikään ei käy, käynnistä kipina-hub"
        ),
        format!(
            "The running hub can't be replaced ({error}): set DATABASE_PATH as for that one, or, where none runs, start kipina-hub"
        ),
    )
}
