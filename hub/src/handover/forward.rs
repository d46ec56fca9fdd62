//! Requests that come to the old process go on to the new one, over HTTP/2 on the socket that they spoke on.

use std::{io, net::SocketAddr};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Uri, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::{client::conn::http2, server::conn::http2 as server, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::UnixStream, sync::watch};
use tower::ServiceExt;

use super::control::Successor;
use crate::{error::ApiError, serve::HeldBody};

/// Whose request it is. Only the predecessor says so, on a socket that nobody else reaches.
const PEER: HeaderName = HeaderName::from_static("x-kipina-peer");

/// What concerns one connection, and does not go on to the next.
const OF_CONNECTIONS: [HeaderName; 5] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    HeaderName::from_static("keep-alive"),
];

/// Whatever a client may send: HTTP/2 counts 32 bytes more for each header than stand in its head.
const HEAD_BYTES: u32 = 64 << 10;

/// Where requests go once another process serves; nowhere before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forwarding {
    successor: watch::Sender<Option<http2::SendRequest<Body>>>,
    /// Each answer that is passed on listens to it until its end.
    under_way: watch::Sender<()>,
}

impl Forwarding {
    /// From now on every new request goes to the successor.
    pub(crate) async fn begin(&self, successor: Successor) -> hyper::Result<()> {
        let stream = TokioIo::new(successor.stream);
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .adaptive_window(true)
            .max_header_list_size(HEAD_BYTES)
            .handshake(stream)
            .await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!("the process that took over can't be reached: {error}");
            }
        });
        self.successor.send_replace(Some(sender));
        Ok(())
    }

    /// Waits until no answer that was passed on is under way.
    pub(super) async fn idle(&self) {
        self.under_way.closed().await;
    }
}

/// The outermost layer: whatever a client asks.
pub(crate) async fn pass_on(
    State(forwarding): State<Forwarding>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let successor = forwarding.successor.borrow().clone();
    // What only reads may be without an end, as the live statistics are: nobody waits for that.
    let under_way = (!request.method().is_safe()).then(|| forwarding.under_way.subscribe());
    let mut response = match successor {
        None => return next.run(request).await,
        Some(mut successor) => match successor.send_request(onwards(request, peer)).await {
            Ok(response) => response.map(|body| HeldBody::holding(Body::new(body), under_way)),
            Err(error) => {
                tracing::warn!("a request could not be passed on: {error}");
                ApiError::stopping().into_response()
            }
        },
    };
    // The client's next request finds the successor by itself.
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    *response.version_mut() = Version::HTTP_11;
    response
}

fn onwards(mut request: Request, peer: SocketAddr) -> Request {
    remove_of_connections(request.headers_mut());
    let path = request.uri().path_and_query().cloned();
    let uri = Uri::builder()
        .scheme("http")
        .authority("hub")
        .path_and_query(path.map_or_else(|| "/".to_owned(), |path| path.to_string()));
    // Of parts that were parsed before.
    *request.uri_mut() = uri.build().unwrap_or_default();
    *request.version_mut() = Version::HTTP_2;
    if let Ok(peer) = HeaderValue::from_str(&peer.to_string()) {
        request.headers_mut().insert(PEER, peer);
    }
    request
}

/// Answers what the predecessor passes on, until it is gone.
pub(super) async fn serve(stream: UnixStream, router: Router) -> io::Result<()> {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        router.clone().oneshot(arrived(request.map(Body::new)))
    });
    server::Builder::new(TokioExecutor::new())
        .adaptive_window(true)
        .max_header_list_size(HEAD_BYTES)
        .max_concurrent_streams(None)
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}

/// As if the client had sent it here.
fn arrived(mut request: Request) -> Request {
    let peer = request.headers_mut().remove(PEER);
    let peer = peer.and_then(|peer| peer.to_str().ok()?.parse::<SocketAddr>().ok());
    if let Some(peer) = peer {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map(Uri::from).unwrap_or_default();
    *request.version_mut() = Version::HTTP_11;
    request
}

fn remove_of_connections(headers: &mut HeaderMap) {
    for name in OF_CONNECTIONS {
        headers.remove(name);
    }
}
