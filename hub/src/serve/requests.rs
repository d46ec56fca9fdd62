//! Limits on single requests, whatever their connection.

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;

use super::{body::PacedBody, held_body::HeldBody};
use crate::{error::ApiError, state::Hub};

/// Refuses what is compressed, counts what comes through a proxy by its client, and gives each body
/// its pace.
pub(crate) async fn limit_requests(
    State(hub): State<Hub>,
    request: Request,
    next: Next,
) -> Response {
    if is_encoded(request.headers()) {
        return ApiError::EncodedBody.into_response();
    }
    // Without a socket there is nobody to count.
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let permit = match peer {
        Some(ConnectInfo(peer)) => hub.places.take_for_request(peer.ip(), request.headers()),
        None => Ok(None),
    };
    let permit = match permit {
        Ok(permit) => permit,
        Err(refused) => return refused.into_response(),
    };
    let request = request.map(|body| Body::new(PacedBody::new(body, &hub.http)));
    let response = next.run(request).await;
    match permit {
        // The answer counts until its end.
        Some(permit) => response.map(|body| HeldBody::holding(body, permit)),
        None => response,
    }
}

/// For whatever waits for no node.
pub(crate) async fn answer_in_time(
    State(hub): State<Hub>,
    request: Request,
    next: Next,
) -> Response {
    let deadline = hub.http.answer_deadline;
    match timeout(deadline, next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => ApiError::not_answered_within(deadline).into_response(),
    }
}

/// A few bytes may unpack to gigabytes, and no client of OpenAI's API packs its requests.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|coding| {
            !coding
                .as_bytes()
                .trim_ascii()
                .eq_ignore_ascii_case(b"identity")
        })
}
