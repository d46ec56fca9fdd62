//! Facts about this machine, for the hub's choice of node.

mod gpu;

use protocol::Device;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// What is known within a few seconds; the rest is absent.
pub async fn device() -> Device {
    let gpu = gpu::find().await;
    let refreshes = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    let Ok(system) = System::new_with_specifics(refreshes) else {
        return Device {
            gpu,
            ..Device::default()
        };
    };
    let cpu = system
        .cpus()
        .first()
        .map(|cpu| cpu.brand().trim().to_owned());
    Device {
        cpu: cpu.filter(|brand| !brand.is_empty()),
        cores: u32::try_from(system.cpus().len())
            .ok()
            .filter(|&cores| cores > 0),
        memory_bytes: memory_bytes(),
        gpu,
        webgpu: None,
    }
}

/// All of the machine's memory, used or not; `None` where the system does not tell.
pub fn memory_bytes() -> Option<u64> {
    let refreshes = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(refreshes).ok()?;
    Some(system.total_memory()).filter(|&bytes| bytes > 0)
}

/// Cores, not hardware threads: two threads that share a core's arithmetic gain nothing.
pub fn physical_cores() -> usize {
    let logical = || std::thread::available_parallelism().map_or(1, usize::from);
    // In a container with a limit, fewer may be allowed than the machine has.
    System::physical_core_count()
        .map_or_else(|_| logical(), |cores| cores.min(logical()))
        .max(1)
}

/// What the machine's owner called it.
pub fn host_name() -> Option<String> {
    System::host_name().ok().filter(|name| !name.is_empty())
}
