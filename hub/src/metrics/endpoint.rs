//! `GET /metrics`.

use std::{fmt, net::SocketAddr};

use axum::{
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::{prometheus_text, text as open_metrics},
    registry::Registry,
};

use super::moment;
use crate::{error::ApiError, state::Hub};

const OPEN_METRICS: &str = "application/openmetrics-text";
const OPEN_METRICS_1: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) async fn metrics(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    hub.metrics_access.check(peer.ip(), &headers)?;
    let [now, process] = moment::registries(&hub.dispatcher, &hub.store).await;
    let registries = [hub.metrics.registry(), &now, &process];
    let is_open_metrics = headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|value| value.to_str().is_ok_and(|text| text.contains(OPEN_METRICS)));
    let (content_type, text) = if is_open_metrics {
        (OPEN_METRICS_1, as_open_metrics(registries))
    } else {
        (prometheus_text::CONTENT_TYPE, as_text(registries))
    };
    let text = text.map_err(|error| {
        tracing::error!("the metrics could not be written down: {error}");
        ApiError::internal("the metrics could not be written down")
    })?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, text).into_response())
}

fn as_open_metrics(registries: [&Registry; 3]) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for registry in registries {
        open_metrics::encode_registry(&mut text, registry)?;
    }
    open_metrics::encode_eof(&mut text)?;
    Ok(text)
}

fn as_text(registries: [&Registry; 3]) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for registry in registries {
        prometheus_text::encode(&mut text, registry)?;
    }
    Ok(text)
}
