//! What `kipina-hub` does besides serving. Each command ends in a sentence for whoever gave it.

mod back_up;
mod check;
mod ready;
mod replace;
mod restore;

pub use back_up::back_up;
pub use check::check;
pub use ready::ready;
pub use replace::not_replaced;
pub use restore::restore;
