//! `POST /api/admin/login` and `/logout`, and `GET /api/admin/session`.

use axum::{
    Json,
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Author, Operator, WayIn, Who, body, cookie, login::LoginError, operator::check_page,
    same_site::Visit, sessions::LASTS,
};
use crate::{
    access::client_address, clock::unix_seconds, error::ApiError, serve::WholeBody, state::Hub,
};

#[derive(Deserialize)]
struct Credentials {
    password: String,
}

/// Who is in, and until when.
#[derive(Debug, Serialize)]
pub(super) struct SessionView {
    who: Who,
    /// Unix time in seconds; null where there is no end.
    expires_at: Option<u64>,
}

/// What a request's beginning tells, for handlers that must look before the body is read.
pub(super) struct Page(Parts);

impl FromRequestParts<Hub> for Page {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        check_page(parts, hub).await?;
        Ok(Self(parts.clone()))
    }
}

pub(super) async fn log_in(
    State(hub): State<Hub>,
    Page(mut parts): Page,
    WholeBody(sent): WholeBody,
) -> Result<Response, ApiError> {
    let login = match &hub.admin.way_in {
        WayIn::Password(login) => login,
        WayIn::ThisMachine => return Err(ApiError::no_password()),
        WayIn::Closed => return Err(ApiError::admin_closed()),
    };
    let Credentials { password } = body::read(&sent)?;
    let address = client_address(&mut parts, &hub).await?;
    let token = login.log_in(password, address).await.map_err(|error| {
        tracing::warn!("nobody was logged in from {address}: {error}");
        ApiError::from(error)
    })?;
    let author = Author {
        who: Who::Session,
        address,
    };
    let recorded = hub
        .admin
        .record(author, "session.begun", "session", json!({}));
    if let Err(error) = recorded.await {
        // Whoever has to mend the database must be able to log in.
        tracing::warn!("a login was not written down: {error}");
    }
    let is_secure = is_secure(&mut parts, &hub).await?;
    let view = SessionView {
        who: Who::Session,
        expires_at: Some(unix_seconds() + LASTS.as_secs()),
    };
    Ok(with_cookie(
        Json(view).into_response(),
        cookie::set(&token, is_secure),
    ))
}

/// Also where nobody is logged in: afterwards nobody is.
pub(super) async fn log_out(
    State(hub): State<Hub>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, _body) = request.into_parts();
    check_page(&mut parts, &hub).await?;
    if let (WayIn::Password(login), Some(token)) =
        (&hub.admin.way_in, cookie::token(&parts.headers))
    {
        login.log_out(token.to_owned()).await;
    }
    let is_secure = is_secure(&mut parts, &hub).await?;
    let response = StatusCode::NO_CONTENT.into_response();
    Ok(with_cookie(response, cookie::clear(is_secure)))
}

pub(super) async fn session(operator: Operator) -> Json<SessionView> {
    let rest = operator.session.map(|session| session.rest);
    Json(SessionView {
        who: operator.author.who,
        expires_at: rest.map(|rest| unix_seconds() + rest.as_secs()),
    })
}

async fn is_secure(parts: &mut Parts, hub: &Hub) -> Result<bool, ApiError> {
    let visit = Visit::of(parts, hub).await?;
    Ok(visit.is_secure(&hub.gate.proxies))
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Wrong => Self::wrong_password(),
            LoginError::TooMany { retry_after } => Self::too_many_logins(retry_after),
            LoginError::NoRandomness(error) => Self::internal(error.to_string()),
            LoginError::Stopping => Self::stopping(),
        }
    }
}
