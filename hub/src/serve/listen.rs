//! The loop that accepts connections, and one task for each.

use std::{
    convert::Infallible, future::pending, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    response::{IntoResponse, Response},
};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot, watch},
    time::{sleep, timeout},
};
use tower::ServiceExt;

use super::{HttpLimits, Places, connection::Connection};
use crate::error::ApiError;

/// Refusals under way; whoever comes on top of them is hung up on.
const REFUSALS: usize = 64;

/// For a refused client to say what it wanted and hear that there is no room.
const REFUSAL_TIME: Duration = Duration::from_secs(5);

/// hyper's read buffer and its write buffer; a head must fit into one.
const BUFFER_BYTES: usize = 64 << 10;

/// Where the system has no more sockets to give.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` comes; then takes no connection any more, and returns when those that it has
/// are closed: each after the request that is under way. What `retired` tells comes before that where
/// another process accepts connections instead: those that are here go on.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    places: Places,
    limits: HttpLimits,
    mut retired: oneshot::Receiver<()>,
    stop: impl Future<Output = ()>,
) {
    let (stopping, stopped) = watch::channel(());
    let door = Door {
        router,
        places,
        protocol: protocol(&limits),
        write_patience: limits.write_patience,
        refusals: Arc::new(Semaphore::new(REFUSALS)),
        stopped,
    };
    let mut stop = pin!(stop);
    let mut listener = Some(listener);
    loop {
        let accepted = tokio::select! {
            accepted = accept(listener.as_ref()) => accepted,
            Ok(()) = &mut retired, if !retired.is_terminated() => {
                listener = None;
                continue;
            }
            () = &mut stop => break,
        };
        match accepted {
            Ok((socket, peer)) => door.let_in(socket, peer),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!("no connection can be accepted right now: {error}");
                sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    // Connections hold the other ends: this returns when the last one is gone.
    drop(door);
    stopping.send_replace(());
    stopping.closed().await;
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
    }
}

struct Door {
    router: Router,
    places: Places,
    protocol: http1::Builder,
    write_patience: Duration,
    refusals: Arc<Semaphore>,
    stopped: watch::Receiver<()>,
}

impl Door {
    fn let_in(&self, socket: TcpStream, peer: SocketAddr) {
        // Tokens are small frames: held back until the last one is acknowledged, each would come up
        // to 40 ms late. A socket that refuses is slow, not broken.
        drop(socket.set_nodelay(true));
        match self.places.take(peer.ip()) {
            Ok(place) => {
                let connection = Connection::new(socket, self.write_patience, place);
                let protocol = self.protocol.clone();
                let router = self.router.clone();
                tokio::spawn(converse(
                    connection,
                    peer,
                    protocol,
                    router,
                    self.stopped.clone(),
                ));
            }
            Err(refused) => {
                tracing::debug!("a connection from {peer} is refused: {refused}");
                if let Ok(place) = Arc::clone(&self.refusals).try_acquire_owned() {
                    let connection = Connection::new(socket, REFUSAL_TIME, place);
                    tokio::spawn(refuse(connection, self.protocol.clone(), refused));
                }
            }
        }
    }
}

async fn converse<Place: Unpin + Send + 'static>(
    connection: Connection<Place>,
    peer: SocketAddr,
    protocol: http1::Builder,
    router: Router,
    mut stopped: watch::Receiver<()>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let serving = protocol
        .serve_connection(TokioIo::new(connection), service)
        .with_upgrades();
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        _ = stopped.changed() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        // Clients leave in many ways, and attackers in more.
        tracing::debug!("the connection from {peer} ended: {error}");
    }
}

/// Answers one request with the refusal, and hangs up.
async fn refuse<Place: Unpin + Send + 'static>(
    connection: Connection<Place>,
    mut protocol: http1::Builder,
    refusal: ApiError,
) {
    let service = service_fn(move |_request: Request<Incoming>| {
        let refusal = refusal.clone();
        async move { Ok::<Response, Infallible>(refusal.into_response()) }
    });
    let serving = protocol
        .keep_alive(false)
        .serve_connection(TokioIo::new(connection), service);
    // Whether the client heard it is the client's business.
    let _ = timeout(REFUSAL_TIME, serving).await;
}

fn protocol(limits: &HttpLimits) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_deadline)
        .max_header_size(limits.head_bytes)
        .max_buf_size(BUFFER_BYTES.max(limits.head_bytes));
    protocol
}

/// Such a client is gone already; the listener is well.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
