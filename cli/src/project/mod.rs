//! A team's work in a folder: the crate `pipeline` says what to ask, and this asks, writes and saves.

mod asking;
mod estimate;
mod files;
mod folder;
mod judgement;
mod progress;
mod record;
mod work;

pub(crate) use asking::{Asking, Wait};
pub(crate) use files::Files;
pub(crate) use folder::{Folder, FolderError, Place, Unwritten};
pub(crate) use progress::Progress;
pub(crate) use record::Record;
pub(crate) use work::Work;
