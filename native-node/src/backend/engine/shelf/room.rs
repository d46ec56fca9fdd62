//! Who gives way to whom: models that were not used for longest, and for an audit none that prompts use.

use std::sync::Arc;

use ::engine::GpuError;

use super::{Loaded, NotLoaded, Shelf, Use};
use crate::backend::engine::model_file::ModelFile;

impl Shelf {
    /// Gives up models until this one fits beside the others; alone it need only fit itself. One
    /// that can't fit costs no other its place.
    pub(super) fn make_room(&mut self, file: &ModelFile, for_whom: Use) -> Result<(), NotLoaded> {
        let told = self.loader.held_bytes();
        let held = told.or_else(|| self.loaded.is_empty().then_some(0));
        if let Some((available, held)) = self.loader.available_bytes().zip(held) {
            check_weights(file, available.saturating_add(held))?;
        }
        let mut kept: u64 = 0;
        loop {
            let room = self.loader.available_bytes();
            let room = room.map(|bytes| bytes.saturating_add(kept));
            let fits = room.is_some_and(|bytes| bytes >= needed_bytes(file.bytes));
            if fits {
                return Ok(());
            }
            if for_whom == Use::Audit && self.serves_prompts() {
                return Err(NotLoaded::NoRoom);
            }
            if self.loaded.is_empty() {
                // What was held is known by now, where the system does not tell of it before.
                return match room {
                    Some(room) if told.is_none() => check_weights(file, room),
                    _ => Ok(()),
                };
            }
            kept = kept.saturating_add(self.give_up_oldest());
        }
    }

    /// Nobody tells how much memory a GPU has left: what failed is tried with fewer models beside it, and
    /// where it was alone, elsewhere.
    pub(super) fn make_room_on_gpu(
        &mut self,
        file: &Arc<ModelFile>,
        for_whom: Use,
        error: &GpuError,
    ) -> Result<(), NotLoaded> {
        if !matches!(error, GpuError::OutOfMemory(_)) || self.loaded.is_empty() {
            self.gpu_failed(file, error);
            return Ok(());
        }
        if for_whom == Use::Audit && self.serves_prompts() {
            return Err(NotLoaded::NoRoom);
        }
        self.give_up_oldest();
        Ok(())
    }

    /// Whether whatever would be given up next has answered a prompt of late.
    fn serves_prompts(&self) -> bool {
        let prompted = self.loaded.first().and_then(|oldest| oldest.prompted);
        prompted.is_some_and(|at| at.elapsed() < self.kept_for_prompts)
    }

    /// Returns how many bytes of its weights the system has not got back: the allocator of static
    /// programs, mimalloc, keeps them for what is loaded next.
    fn give_up_oldest(&mut self) -> u64 {
        let before = self.loader.held_bytes();
        let Loaded {
            file: oldest,
            engine,
            ..
        } = self.loaded.remove(0);
        drop(engine);
        self.loader.given_up(&oldest);
        match (before, self.loader.held_bytes()) {
            (Some(before), Some(after)) => {
                oldest.bytes.saturating_sub(before.saturating_sub(after))
            }
            _ => 0,
        }
    }
}

/// Weights take about what their file does: with less, the machine only swaps.
fn check_weights(file: &ModelFile, available_bytes: u64) -> Result<(), NotLoaded> {
    if available_bytes < file.bytes {
        return Err(NotLoaded::NoMemory {
            file_bytes: file.bytes,
            available_bytes,
        });
    }
    Ok(())
}

/// Weights, keys and values, and what a computation needs besides: 1.4 times the file.
fn needed_bytes(file_bytes: u64) -> u64 {
    file_bytes.saturating_add(file_bytes / 5 * 2)
}
