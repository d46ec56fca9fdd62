//! How a GPU is asked for: with a limit to what models take of its memory, and with what was found out of it before.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ::engine::{Gpu, GpuError, Tuning};

use crate::{device, private_file};

/// What is known of the machine's GPU before it is asked for.
#[derive(Clone, Debug, Default)]
pub struct Card {
    /// As its vendor's own tool names it.
    named: Option<protocol::Gpu>,
    /// Of the machine altogether.
    memory_bytes: Option<u64>,
    /// Where to keep which of its ways to compute are fast; finding out takes seconds.
    tuning_file: Option<PathBuf>,
}

impl Card {
    pub async fn find(data_folder: Option<&Path>) -> Self {
        Self {
            named: device::gpu().await,
            memory_bytes: device::memory_bytes(),
            tuning_file: data_folder.map(|folder| folder.join("gpu-tuning.json")),
        }
    }

    /// Blocks while the driver is loaded.
    pub(super) fn request(&self) -> Result<Gpu, GpuError> {
        let gpu = pollster::block_on(Gpu::request())?;
        gpu.recall(self.kept());
        let budget = self.budget_bytes(gpu.adapter());
        Ok(match budget {
            Some(bytes) => gpu.with_budget(bytes),
            None => gpu,
        })
    }

    /// Keeps what was found out of it for the next start.
    pub(super) fn keep(&self, gpu: &Gpu) {
        let (Some(file), tuning) = (&self.tuning_file, gpu.tuning()) else {
            return;
        };
        if tuning == self.kept() {
            return;
        }
        let json = serde_json::to_string_pretty(&tuning).unwrap_or_default();
        if let Err(error) = private_file::write(file, &json) {
            tracing::debug!("{}: {error}", file.display());
        }
    }

    fn kept(&self) -> Tuning {
        let text = self.tuning_file.as_ref().map(fs::read_to_string);
        let text = text.and_then(Result::ok).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Adapters accept more than there is. A card of its own is nobody else's but the desktop's; one that shares the
    /// machine's memory leaves some to the machine.
    fn budget_bytes(&self, adapter: &str) -> Option<u64> {
        let named = self.named.as_ref();
        let own = named.filter(|card| adapter.contains(&card.name));
        match own.and_then(|card| card.memory_bytes) {
            Some(bytes) => Some(bytes / 10 * 9),
            None => self.memory_bytes.map(|bytes| bytes / 4 * 3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIGABYTE: u64 = 1_000_000_000;

    fn card(name: &str, memory_bytes: Option<u64>) -> Card {
        Card {
            named: Some(protocol::Gpu {
                name: name.into(),
                memory_bytes,
            }),
            memory_bytes: Some(100 * GIGABYTE),
            tuning_file: None,
        }
    }

    #[test]
    fn models_take_no_more_than_there_is() {
        let radeon = card("AMD Radeon RX 6800 XT", Some(20 * GIGABYTE));
        let adapter = "AMD Radeon RX 6800 XT (RADV NAVI21)";
        assert_eq!(radeon.budget_bytes(adapter), Some(18 * GIGABYTE));
        let beside = radeon.budget_bytes("Intel(R) UHD Graphics 630");
        assert_eq!(beside, Some(75 * GIGABYTE), "that one has none of its own");
        let apple = card("Apple M2", None);
        assert_eq!(apple.budget_bytes("Apple M2"), Some(75 * GIGABYTE));
        assert_eq!(Card::default().budget_bytes("Apple M2"), None);
    }

    #[test]
    fn what_was_found_out_is_known_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let card = Card {
            tuning_file: Some(folder.path().join("kipina/gpu-tuning.json")),
            ..Card::default()
        };
        let gpu = card
            .request()
            .expect("mesa-vulkan-drivers brings one that needs no GPU");
        assert!(gpu.tuning().is_empty());
        let found = Tuning::from([("a card, a model".to_owned(), "32x2".to_owned())]);
        gpu.recall(found.clone());
        card.keep(&gpu);
        assert_eq!(card.request().unwrap().tuning(), found);
        fs::write(card.tuning_file.as_ref().unwrap(), "no JSON").unwrap();
        assert!(card.request().unwrap().tuning().is_empty());
    }
}
