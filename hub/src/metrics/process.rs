//! What every Prometheus client tells of its process, under the names that all of them use.

use procfs::{WithCurrentSystemInfo, process::Process};
use prometheus_client::{
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

/// Adds nothing where the system does not tell.
pub(super) fn register(registry: &mut Registry) {
    if let Err(error) = try_register(registry) {
        tracing::debug!("the process can't be looked at: {error}");
    }
}

fn try_register(registry: &mut Registry) -> procfs::ProcResult<()> {
    let process = Process::myself()?;
    let stat = process.stat()?;
    let ticks = procfs::ticks_per_second() as f64;
    let started = procfs::boot_time_secs()? as f64 + stat.starttime as f64 / ticks;
    let open_files = process.fd_count()?;
    let most_files = match process.limits()?.max_open_files.soft_limit {
        procfs::process::LimitValue::Value(limit) => limit,
        procfs::process::LimitValue::Unlimited => u64::MAX,
    };
    let resident = stat.rss_bytes().get();

    let gauge = |value: u64| ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    registry.register_with_unit(
        "process_cpu",
        "User and system time",
        Unit::Seconds,
        ConstCounter::new((stat.utime + stat.stime) as f64 / ticks),
    );
    registry.register_with_unit(
        "process_resident_memory",
        "Resident memory",
        Unit::Bytes,
        gauge(resident),
    );
    registry.register_with_unit(
        "process_virtual_memory",
        "Virtual memory",
        Unit::Bytes,
        gauge(stat.vsize),
    );
    registry.register(
        "process_open_fds",
        "Open file descriptors",
        gauge(open_files as u64),
    );
    registry.register(
        "process_max_fds",
        "The most file descriptors that may be open",
        gauge(most_files),
    );
    registry.register(
        "process_threads",
        "Threads",
        gauge(u64::try_from(stat.num_threads).unwrap_or_default()),
    );
    registry.register_with_unit(
        "process_start_time",
        "When the process began, in Unix time",
        Unit::Seconds,
        ConstGauge::new(started),
    );
    Ok(())
}
