//! What is true when somebody reads: how busy the nodes, the queue and the database are.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::ConstCounter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        info::Info,
    },
    registry::{Registry, Unit},
};
use protocol::NodeKind;

use super::counters::kind_name;
use crate::{
    dispatch::{Crowd, Dispatcher, Load},
    store::StoreReader,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// Registries of this moment's values only: the hub's, and those that every process has.
pub(super) async fn registries(dispatcher: &Dispatcher, store: &StoreReader) -> [Registry; 2] {
    let mut registry = Registry::with_prefix("kipina");
    registry.register(
        "build",
        "The version that runs",
        Info::new([("version", env!("CARGO_PKG_VERSION"))]),
    );
    if let Some(load) = dispatcher.load().await {
        register_load(&mut registry, load);
    }
    register_store(&mut registry, store).await;
    [registry, process()]
}

fn register_load(registry: &mut Registry, load: Load) {
    registry.register(
        "prompts_running",
        "Prompts that nodes have",
        ConstGauge::new(as_gauge(load.running)),
    );
    registry.register(
        "prompts_waiting",
        "Prompts that wait for a node",
        ConstGauge::new(as_gauge(load.waiting)),
    );
    registry.register(
        "draining",
        "1 while the hub takes no more prompts, since it stops",
        ConstGauge::new(i64::from(load.draining)),
    );
    let crowds = [
        (NodeKind::Browser, load.browsers),
        (NodeKind::Native, load.natives),
    ];
    let mut register = |name, help, count: fn(&Crowd) -> u64| {
        let family = Family::<Kind, Gauge>::default();
        for (kind, crowd) in &crowds {
            let kind = kind_name(*kind);
            family
                .get_or_create(&Kind { kind })
                .set(i64::try_from(count(crowd)).unwrap_or(i64::MAX));
        }
        registry.register(name, help, family);
    };
    register("nodes", "Nodes that are here", |crowd| crowd.nodes);
    register("nodes_trusted", "Nodes that came with a key", |crowd| {
        crowd.trusted
    });
    register(
        "nodes_paused",
        "Nodes that take no prompts at the moment",
        |crowd| crowd.paused,
    );
    register(
        "nodes_suspended",
        "Nodes that an audit caught, and that get no prompts",
        |crowd| crowd.suspended,
    );
    register(
        "node_slots",
        "Prompts that the nodes can have at once",
        |crowd| crowd.slots,
    );
    register("node_slots_busy", "Prompts that the nodes have", |crowd| {
        crowd.busy
    });
}

async fn register_store(registry: &mut Registry, store: &StoreReader) {
    let load = store.load();
    registry.register(
        "database_records_waiting",
        "Records that wait to be written",
        ConstGauge::new(i64::try_from(load.waiting).unwrap_or(i64::MAX)),
    );
    registry.register(
        "database_records_written",
        "Records that were written",
        ConstCounter::new(load.written),
    );
    registry.register(
        "database_records_lost",
        "Records that the database could not take",
        ConstCounter::new(load.lost),
    );
    registry.register(
        "database_transactions",
        "Transactions that wrote records",
        ConstCounter::new(load.transactions),
    );
    registry.register_with_unit(
        "database_write",
        "Time that these transactions took",
        Unit::Seconds,
        ConstCounter::new(load.writing.as_secs_f64()),
    );
    if let Some(bytes) = store.size_bytes().await {
        registry.register_with_unit(
            "database_size",
            "The database's files",
            Unit::Bytes,
            ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX)),
        );
    }
}

fn as_gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(target_os = "linux")]
fn process() -> Registry {
    let mut registry = Registry::default();
    super::process::register(&mut registry);
    registry
}

/// Where nobody has written how to ask the system.
#[cfg(not(target_os = "linux"))]
fn process() -> Registry {
    Registry::default()
}
