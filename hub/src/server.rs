//! The hub's life: from a bound socket to a flushed database.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use protocol::CatalogueError;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    time::{Instant, timeout},
};

use crate::{
    admin::{Admin, PasswordError},
    config::{Config, Drain},
    decisions::Decisions,
    dispatch::Dispatcher,
    handover::{Predecessor, Succession},
    keys::Keys,
    language::{Language, Text},
    metrics::{Counted, Metrics},
    models,
    recall::recall_audits,
    reunion::expect_old_nodes,
    router::router,
    serve::{HttpLimits, Places, raise_descriptor_limit, serve},
    state::Hub,
    stats::LiveStats,
    store::{Store, StoreSettings},
};

/// A hub that listens, and answers once it runs.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    places: Places,
    http: HttpLimits,
    dispatcher: Dispatcher,
    live: LiveStats,
    keys: Keys,
    decisions: Decisions,
    store: Store,
    succession: Succession,
    drain: Drain,
    drain_patience: Duration,
    handover_patience: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{address} can't be listened on: {error}")]
    Listen {
        address: SocketAddr,
        error: io::Error,
    },
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error("the database's writer can't be started: {0}")]
    Store(io::Error),
    #[error("ADMIN_PASSWORD can't be used: {0}")]
    Password(PasswordError),
    #[error("the running hub's socket can't be used: {0}")]
    Handover(io::Error),
}

/// Files, sockets and timers of the hub's own, beside its connections.
const OWN_DESCRIPTORS: usize = 64;

/// For connections to close once their answers have ended.
const CLOSING_TIME: Duration = Duration::from_secs(5);

impl Server {
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let address = SocketAddr::new(config.bind, config.port);
        let listening = TcpListener::bind(address).await;
        let listener = listening.map_err(|error| StartError::Listen { address, error })?;
        let server = Self::on(listener, config, None)?;
        let within = config.dispatch.nodes_return_within;
        expect_old_nodes(&server.store.reader(), &server.dispatcher, within).await;
        Ok(server)
    }

    /// In the place of the process that serves now, which goes on serving until `run` is called.
    pub async fn take_over(
        config: &Config,
        mut predecessor: Predecessor,
    ) -> Result<Self, StartError> {
        let listener = predecessor.take_listener().map_err(StartError::Handover)?;
        Self::on(listener, config, Some(predecessor))
    }

    fn on(
        listener: TcpListener,
        config: &Config,
        predecessor: Option<Predecessor>,
    ) -> Result<Self, StartError> {
        let address = SocketAddr::new(config.bind, config.port);
        let address = listener
            .local_addr()
            .map_err(|error| StartError::Listen { address, error })?;
        // Of a socket that was taken over: who reaches it is what counts, not what the settings say.
        let config = &Config {
            bind: address.ip(),
            port: address.port(),
            ..config.clone()
        };

        check_descriptors(config.http.connections);
        let catalogue = Arc::new(models::catalogue()?);
        let store = Store::start(StoreSettings {
            retention: config.retention,
            ..StoreSettings::new(config.database_path.clone())
        })
        .map_err(StartError::Store)?;
        let admin = Admin::new(config, store.admin()).map_err(StartError::Password)?;
        let keys = Keys::start(&store);
        let recorder = Arc::new(keys.settling(Arc::new(store.recorder())));
        let metrics = Metrics::new(&catalogue);
        let sink = Arc::new(Counted::new(metrics.clone(), recorder));
        let dispatcher = Dispatcher::start(config.dispatch.clone(), &catalogue, sink);
        tokio::spawn(recall_audits(store.admin(), dispatcher.clone()));
        let (handle, reader) = (dispatcher.clone(), store.reader());
        let hub = Hub::new(
            config,
            catalogue,
            handle,
            reader,
            keys.clone(),
            admin,
            metrics,
        );
        let live = hub.live.clone();
        let decisions = hub.decisions.clone();
        let places = hub.places.clone();
        let http = config.http.clone();
        let router = router(hub, config.static_directory.as_deref());
        Ok(Self {
            succession: Succession::new(predecessor, &config.database_path, &listener, &dispatcher),
            listener,
            address,
            router,
            places,
            http,
            dispatcher,
            live,
            keys,
            decisions,
            store,
            drain: config.drain,
            drain_patience: config.drain_patience,
            handover_patience: config.handover_patience,
        })
    }

    /// With the port that the system chose where the settings left it the choice.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` comes; then takes no more prompts, lets what runs finish within the
    /// settings' patience, and writes the database.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let (closing, closed) = oneshot::channel::<()>();
        let router = self.succession.layer(self.router);
        let (retire, retired) = oneshot::channel();
        let closed = async {
            // Either way, said or dropped, it means the end.
            let _ = closed.await;
        };
        let mut serving = tokio::spawn(serve(
            self.listener,
            router.clone(),
            self.places,
            self.http,
            retired,
            closed,
        ));

        let (gone, is_gone) = oneshot::channel();
        self.succession
            .begin(router, self.dispatcher.clone(), gone)
            .await;
        // The process before this one may have changed some since this one read them, and may until it is gone.
        self.keys.look_again().await;
        self.decisions.look_again().await;
        let (keys, decisions) = (self.keys.clone(), self.decisions.clone());
        tokio::spawn(async move {
            if is_gone.await.is_ok() {
                keys.look_again().await;
                decisions.look_again().await;
            }
        });

        let mut stop = pin!(stop);
        let (failed, successor) = tokio::select! {
            () = &mut stop => (None, None),
            ended = &mut serving => (Some(ended), None),
            successor = self.succession.replaced() => (None, Some(successor)),
        };
        // Whoever asks meanwhile hears that the hub is stopping, rather than nothing at all.
        self.live.close().await;
        if let Some(successor) = successor {
            // The successor has the socket, too: what connects now comes to it.
            let _ = retire.send(());
            let leaving = async {
                self.succession
                    .leave(successor, &self.dispatcher, self.handover_patience)
                    .await;
                // Connections that nobody uses end now.
                drop(closing);
                self.succession.pass_on_the_rest().await;
            };
            tokio::select! {
                _ = timeout(self.handover_patience, leaving) => {}
                () = stop => {}
            }
            self.dispatcher.drain(self.drain_patience).await;
        } else {
            self.succession.close();
            match self.drain {
                Drain::Refuse => {
                    self.dispatcher.drain(self.drain_patience).await;
                    drop(closing);
                }
                Drain::Finish => {
                    let until = Instant::now() + self.drain_patience;
                    drop(closing);
                    self.dispatcher.leave(self.drain_patience).await;
                    let rest = until.saturating_duration_since(Instant::now());
                    self.dispatcher.drain(rest).await;
                }
            }
        }
        let ended = match failed {
            Some(ended) => ended,
            None => timeout(CLOSING_TIME, serving)
                .await
                .unwrap_or_else(|_elapsed| {
                    tracing::warn!("some clients did not close their connections; leaving them");
                    Ok(())
                }),
        };
        self.store.close().await;
        ended.map_err(io::Error::other)
    }
}

/// Where the system gives out no more, new connections wait until others close.
fn check_descriptors(connections: usize) {
    let wanted = connections.saturating_add(OWN_DESCRIPTORS);
    if let Some(limit) = raise_descriptor_limit().filter(|limit| *limit < wanted) {
        tracing::warn!(
            "the system allows {limit} open files and sockets, and MAX_CONNECTIONS={connections} takes \
             {wanted}: raise its limit (LimitNOFILE, ulimit -Hn) or lower MAX_CONNECTIONS"
        );
    }
}

impl StartError {
    /// For the person who started the hub.
    pub fn text(&self) -> Text {
        match self {
            Self::Listen { address, error } if error.kind() == io::ErrorKind::AddrInUse => {
                let port = address.port();
                Text::new(
                    format!(
                        "Portti {port} on jo käytössä ({address}): sulje toinen ohjelma tai anna PORT={}",
                        port.wrapping_add(1)
                    ),
                    format!(
                        "Port {port} is already in use ({address}): stop the other program or set PORT={}",
                        port.wrapping_add(1)
                    ),
                )
            }
            Self::Listen { address, error } => Text::new(
                format!("Osoitetta {address} ei voi kuunnella ({error}): tarkista BIND ja PORT"),
                format!("{address} can't be listened on ({error}): check BIND and PORT"),
            ),
            Self::Catalogue(_) | Self::Store(_) | Self::Password(_) | Self::Handover(_) => {
                Text::new(
                    format!("Keskus ei käynnisty: {self}"),
                    format!("The hub can't start: {self}"),
                )
            }
        }
    }
}

/// The line that says where the hub is to be found.
pub fn ready_line(address: SocketAddr, language: Language) -> String {
    let host = match address.ip() {
        // What one can't open in a browser is shown as what one can.
        ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V6(ip) => format!("[{ip}]"),
        IpAddr::V4(ip) => ip.to_string(),
    };
    let url = format!("http://{host}:{}", address.port());
    match language {
        Language::Finnish => format!("Kipinä-keskus kuuntelee: {url}"),
        Language::English => format!("Kipinä hub listens: {url}"),
        Language::Both => format!("Kipinä-keskus kuuntelee / Kipinä hub listens: {url}"),
    }
}
