//! What every handler may reach: handles and settings, no state of its own.

use std::{path::Path, sync::Arc};

use axum::extract::FromRef;
use protocol::Catalogue;
use scheduler::ModelNames;

use crate::{
    admin::Admin,
    config::Config,
    decisions::Decisions,
    dispatch::Dispatcher,
    downloads::Downloads,
    keys::Keys,
    metrics::{self, Metrics},
    net::{ConnectionLimit, Gate, OriginPolicy, TrustedProxies},
    nodes::NodeGate,
    serve::{HttpLimits, Places},
    stats::LiveStats,
    store::StoreReader,
    tuning::Tuned,
};

/// Cheap to clone: a clone holds the same handles.
#[derive(Clone, Debug)]
pub struct Hub {
    pub dispatcher: Dispatcher,
    pub catalogue: Arc<Catalogue>,
    pub store: StoreReader,
    pub live: LiveStats,
    pub keys: Keys,
    pub(crate) admin: Admin,
    pub(crate) decisions: Decisions,
    pub(crate) model_names: Arc<ModelNames>,
    pub(crate) metrics: Metrics,
    pub(crate) metrics_access: metrics::Access,
    pub(crate) gate: Gate,
    pub(crate) node_gate: NodeGate,
    pub(crate) models_directory: Arc<Path>,
    pub(crate) downloads: Downloads,
    pub(crate) max_body_bytes: usize,
    pub(crate) http: HttpLimits,
    pub(crate) places: Places,
}

impl Hub {
    pub fn new(
        config: &Config,
        catalogue: Arc<Catalogue>,
        dispatcher: Dispatcher,
        store: StoreReader,
        keys: Keys,
        admin: Admin,
        metrics: Metrics,
    ) -> Self {
        let gate = Gate {
            origins: OriginPolicy::new(config.allowed_origins.clone()),
            proxies: TrustedProxies::new(config.trusted_proxies.clone()),
            connections: ConnectionLimit::new(config.connections_per_address),
        };
        let decisions = Decisions::start(Tuned::of(config), &admin.store(), &dispatcher);
        Self {
            node_gate: NodeGate::new(
                dispatcher.clone(),
                decisions.clone(),
                keys.clone(),
                metrics.clone(),
            ),
            metrics_access: metrics::Access::new(
                config.metrics_token.clone(),
                gate.proxies.clone(),
            ),
            metrics,
            live: LiveStats::start(&gate, dispatcher.clone(), store.clone()),
            http: config.http.clone(),
            places: Places::new(&config.http, gate.proxies.clone()),
            keys,
            admin,
            decisions,
            model_names: Arc::new(ModelNames::new(&catalogue)),
            dispatcher,
            catalogue,
            store,
            gate,
            downloads: Downloads::new(config.downloads_directory.as_deref()),
            models_directory: config.models_directory.as_path().into(),
            max_body_bytes: config.max_body_bytes,
        }
    }
}

impl FromRef<Hub> for Gate {
    fn from_ref(hub: &Hub) -> Self {
        hub.gate.clone()
    }
}
