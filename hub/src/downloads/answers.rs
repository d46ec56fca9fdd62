//! `GET /kipina-node`, `/kipina-node.ps1`, `/join.sh`, `/download/{file}` and `/api/version`.

use std::net::SocketAddr;

use axum::{
    Json,
    body::Body,
    extract::{ConnectInfo, Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tokio::task::spawn_blocking;
use tower::ServiceExt;
use tower_http::services::ServeFile;

use super::{
    folder::{Downloads, LIST, PUBLIC_KEY, SIGNATURE},
    list::{Download, newest},
    script::{FROM_SOURCE, REFUSAL, WITH_BASH, WITH_POWERSHELL, fill_in},
};
use crate::{error::ApiError, headers, state::Hub};

const SHELL_SCRIPT: &str = "text/x-shellscript; charset=utf-8";
const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

#[derive(Debug, Serialize)]
pub(crate) struct Version {
    version: &'static str,
    protocol_version: u32,
    downloads: Vec<ListedDownload>,
}

#[derive(Debug, Serialize)]
struct ListedDownload {
    #[serde(flatten)]
    download: Download,
    bytes: u64,
}

/// Who asks, and how he wrote the hub's address.
type Visit = (ConnectInfo<SocketAddr>, HeaderMap, Uri);

pub(crate) async fn join_with_bash(hub: State<Hub>, visit: Visit) -> Result<Response, ApiError> {
    script(hub, visit, WITH_BASH, SHELL_SCRIPT).await
}

pub(crate) async fn join_with_powershell(
    hub: State<Hub>,
    visit: Visit,
) -> Result<Response, ApiError> {
    script(hub, visit, WITH_POWERSHELL, PLAIN_TEXT).await
}

pub(crate) async fn join_from_source(hub: State<Hub>, visit: Visit) -> Result<Response, ApiError> {
    script(hub, visit, FROM_SOURCE, SHELL_SCRIPT).await
}

/// The newest program for each system, as far as its file is there.
pub(crate) async fn version(State(hub): State<Hub>) -> Result<Response, ApiError> {
    let downloads = on_disk(hub.downloads, |downloads| -> Vec<ListedDownload> {
        let release = downloads.release();
        let listed = newest(&release.downloads).into_iter().filter_map(|it| {
            let file = downloads.locate(&it.file)?;
            Some(ListedDownload {
                download: it.clone(),
                bytes: file.metadata().ok()?.len(),
            })
        });
        listed.collect()
    })
    .await?;
    let version = Version {
        version: env!("CARGO_PKG_VERSION"),
        protocol_version: protocol::PROTOCOL_VERSION,
        downloads,
    };
    Ok(([(header::CACHE_CONTROL, "no-cache")], Json(version)).into_response())
}

/// Only what the list names, the list itself and what proves it: all else in the folder is
/// nobody's business.
pub(crate) async fn file(
    State(hub): State<Hub>,
    file: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    let Path(file) = file?;
    let changes = [LIST, SIGNATURE, PUBLIC_KEY].contains(&file.as_str());
    let located = on_disk(hub.downloads, move |downloads| {
        let is_it = |it: &Download| it.file == file;
        let is_served = changes || downloads.release().downloads.iter().any(is_it);
        is_served.then(|| downloads.locate(&file)).flatten()
    })
    .await?;
    let Some(path) = located else {
        return Err(ApiError::NotFound {
            path: request.uri().path().to_owned(),
        });
    };
    let mut response = match ServeFile::new(path).oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    };
    let status = response.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        let (kind, policy) = if changes {
            (PLAIN_TEXT, HeaderValue::from_static("no-cache"))
        } else {
            // A name has a version in it, and the list a checksum of what it stands for.
            ("application/octet-stream", headers::keep_for_ever())
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, policy);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    Ok(response)
}

async fn script(
    State(hub): State<Hub>,
    (ConnectInfo(peer), request_headers, uri): Visit,
    script: &'static str,
    kind: &'static str,
) -> Result<Response, ApiError> {
    let proxies = &hub.gate.proxies;
    let Some(address) = proxies.public_address(peer.ip(), &request_headers, &uri) else {
        return Ok(refuse(kind));
    };
    let release = on_disk(hub.downloads, Downloads::release).await?;
    let script = fill_in(script, &address, release.key.as_deref());
    Ok((
        [
            (header::CONTENT_TYPE, kind),
            // It holds the address of whoever asked: nobody else's business.
            (header::CACHE_CONTROL, "no-store"),
        ],
        script,
    )
        .into_response())
}

/// Whoever pipes the answer to a shell runs it, whatever its status is: it must be a script too.
fn refuse(kind: &'static str) -> Response {
    let mut response = ApiError::unclear_address().into_response();
    if kind == SHELL_SCRIPT {
        *response.body_mut() = Body::from(REFUSAL);
        let kind = HeaderValue::from_static(kind);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// Files are few and small, but a disk may be slow: it must not hold up what streams.
async fn on_disk<T: Send + 'static>(
    downloads: Downloads,
    read: impl FnOnce(&Downloads) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let reading = spawn_blocking(move || read(&downloads));
    reading
        .await
        .map_err(|error| ApiError::internal(format!("the downloads can't be read: {error}")))
}
