//! Facts about this machine, for the hub's choice of node.

pub mod battery;
mod gpu;
pub mod gpu_load;
mod sensors;

use std::{path::Path, time::Duration};

use protocol::Device;
use sysinfo::{
    CpuRefreshKind, MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System,
};
use tokio::process::Command;

pub use self::{
    gpu_load::{GpuProgram, GpuReading},
    sensors::{OwnWork, Sensors},
};

/// A driver that hangs must not keep the node from its work.
const TIMEOUT: Duration = Duration::from_secs(4);

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

/// The machine's largest GPU; `None` where no tool of its vendor's names one.
pub async fn gpu() -> Option<protocol::Gpu> {
    gpu::find().await
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

/// Memory that may be taken without pushing anything out; `None` where the system does not tell.
pub fn available_memory_bytes() -> Option<u64> {
    let refreshes = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(refreshes).ok()?;
    // A container may have less than its machine. What it calls free leaves out the files that
    // were read lately, and those make room.
    let limits = system.cgroup_limits();
    let in_container = limits.map(|limits| limits.total_memory.saturating_sub(limits.rss));
    let available = system.available_memory();
    let least = in_container.map_or(available, |bytes| bytes.min(available));
    Some(least).filter(|&bytes| bytes > 0)
}

/// What this process holds of the machine's memory; `None` where the system does not tell.
pub fn own_memory_bytes() -> Option<u64> {
    let pid = sysinfo::get_current_pid().ok()?;
    let mut system = System::new().ok()?;
    let refreshes = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, refreshes);
    Some(system.process(pid)?.memory()).filter(|&bytes| bytes > 0)
}

/// What a program of the system says; `None` where there is none, or it fails.
async fn output(program: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    let running = command.args(arguments).kill_on_drop(true).output();
    let output = tokio::time::timeout(TIMEOUT, running).await.ok()?.ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What the machine's owner called it.
pub fn host_name() -> Option<String> {
    System::host_name().ok().filter(|name| !name.is_empty())
}
