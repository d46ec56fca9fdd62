//! The machine's largest GPU, as its vendor's own tool names it.

use std::path::Path;

use protocol::Gpu;
use serde_json::Value;

use super::output;

const MEBIBYTE: u64 = 1 << 20;

/// `None` where there is none, or none whose tool is installed.
pub(super) async fn find() -> Option<Gpu> {
    let nvidia = output(
        Path::new("nvidia-smi"),
        &[
            "--query-gpu=name,memory.total",
            "--format=csv,noheader,nounits",
        ],
    );
    let amd = output(
        Path::new("rocm-smi"),
        &["--showproductname", "--showmeminfo", "vram", "--json"],
    );
    let apple = output(
        Path::new("system_profiler"),
        &["SPDisplaysDataType", "-json"],
    );
    let (nvidia, amd, apple) = tokio::join!(nvidia, amd, apple);
    let found = nvidia.and_then(|text| parse_nvidia(&text));
    let found = found.or_else(|| amd.and_then(|text| parse_amd(&text)));
    found.or_else(|| apple.and_then(|text| parse_apple(&text)))
}

/// Lines as in `NVIDIA GeForce RTX 3060, 12288`, in MiB; `[N/A]` where memory is shared.
fn parse_nvidia(csv: &str) -> Option<Gpu> {
    let gpus = csv.lines().filter_map(|line| {
        let (name, memory) = line.rsplit_once(',')?;
        let memory_bytes = memory
            .trim()
            .parse::<u64>()
            .ok()
            .map(|mebibytes| mebibytes * MEBIBYTE);
        Some(Gpu {
            name: name.trim().to_owned(),
            memory_bytes,
        })
    });
    largest(gpus)
}

/// An object per card; what the name's field is called depends on the version.
fn parse_amd(json: &str) -> Option<Gpu> {
    let cards: Value = serde_json::from_str(json).ok()?;
    let gpus = cards.as_object()?.values().filter_map(|card| {
        let names = ["Card Series", "Card series", "Card Model", "Card model"];
        let name = names.iter().find_map(|name| card.get(name)?.as_str())?;
        let memory = card.get("VRAM Total Memory (B)").and_then(Value::as_str);
        let memory_bytes = memory.and_then(|bytes| bytes.parse().ok());
        Some(Gpu {
            name: name.trim().to_owned(),
            memory_bytes,
        })
    });
    largest(gpus)
}

/// Apple's own chips share the machine's memory, and say nothing about it here; other cards have
/// `"8 GB"` of their own.
fn parse_apple(json: &str) -> Option<Gpu> {
    let report: Value = serde_json::from_str(json).ok()?;
    let gpus = report
        .get("SPDisplaysDataType")?
        .as_array()?
        .iter()
        .filter_map(|card| {
            let name = card.get("sppci_model")?.as_str()?.to_owned();
            let memory = card.get("spdisplays_vram").and_then(Value::as_str);
            let gigabytes = memory.and_then(|text| text.strip_suffix(" GB")?.parse::<u64>().ok());
            Some(Gpu {
                name,
                memory_bytes: gigabytes.map(|gigabytes| gigabytes << 30),
            })
        });
    largest(gpus)
}

fn largest(gpus: impl Iterator<Item = Gpu>) -> Option<Gpu> {
    gpus.filter(|gpu| !gpu.name.is_empty())
        .max_by_key(|gpu| gpu.memory_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(name: &str, memory_bytes: Option<u64>) -> Option<Gpu> {
        Some(Gpu {
            name: name.into(),
            memory_bytes,
        })
    }

    #[test]
    fn the_largest_of_several_nvidia_cards_counts() {
        let csv = "NVIDIA GeForce GTX 1650, 4096\nNVIDIA GeForce RTX 3060, 12288\n";
        assert_eq!(
            parse_nvidia(csv),
            gpu("NVIDIA GeForce RTX 3060", Some(12288 << 20))
        );
    }

    #[test]
    fn nvidia_machines_with_shared_memory_name_no_amount() {
        assert_eq!(
            parse_nvidia("NVIDIA GB10, [N/A]\n"),
            gpu("NVIDIA GB10", None)
        );
    }

    #[test]
    fn an_amd_card_is_found_whatever_its_fields_are_called() {
        let new = r#"{"card0": {"VRAM Total Memory (B)": "17163091968",
            "VRAM Total Used Memory (B)": "10854400", "Card Series": "AMD Radeon RX 6800 XT",
            "Card Model": "0x73bf"}, "system": {"Driver version": "6.8"}}"#;
        assert_eq!(
            parse_amd(new),
            gpu("AMD Radeon RX 6800 XT", Some(17_163_091_968))
        );
        let old = r#"{"card0": {"Card series": "Vega 20", "VRAM Total Memory (B)": "1"}}"#;
        assert_eq!(parse_amd(old), gpu("Vega 20", Some(1)));
    }

    #[test]
    fn apples_chips_and_other_cards_in_a_mac_are_found() {
        let apple = r#"{"SPDisplaysDataType": [{"_name": "Apple M2", "sppci_model": "Apple M2",
            "sppci_cores": "10", "spdisplays_mtlgpufamilysupport": "spdisplays_metal3"}]}"#;
        assert_eq!(parse_apple(apple), gpu("Apple M2", None));
        let intel = r#"{"SPDisplaysDataType": [{"sppci_model": "Intel UHD Graphics 630"},
            {"sppci_model": "AMD Radeon Pro 5500M", "spdisplays_vram": "8 GB"}]}"#;
        assert_eq!(
            parse_apple(intel),
            gpu("AMD Radeon Pro 5500M", Some(8 << 30))
        );
    }

    #[test]
    fn what_is_no_report_is_no_gpu() {
        for text in [
            "",
            "No devices were found",
            "{}",
            "[]",
            "WARNING: No AMD GPUs specified",
        ] {
            assert_eq!(parse_nvidia(text), None, "{text}");
            assert_eq!(parse_amd(text), None, "{text}");
            assert_eq!(parse_apple(text), None, "{text}");
        }
    }
}
