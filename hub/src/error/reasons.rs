//! The hub's own refusals, by name, in the words that their readers get.

use std::time::Duration;

use super::{ApiError, LONG_PAUSE, SHORT_PAUSE};
use crate::{dispatch::Refusal, keys::Scope, store::StoreError};

impl ApiError {
    /// A field whose value can't be served.
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadRequest {
            message: message.into(),
            param: Some(param.into()),
            code: None,
        }
    }

    /// A field that no node can serve yet, and that would change the answer if it were ignored.
    pub fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadRequest {
            message: message.into(),
            param: Some(param.into()),
            code: Some("unsupported_parameter"),
        }
    }

    pub fn missing_key() -> Self {
        Self::Unauthorised {
            message: "this hub wants an API key: send it as 'Authorization: Bearer kp_…'; its operator makes them".to_owned(),
            code: "missing_api_key",
        }
    }

    pub fn missing_scope(scope: Scope) -> Self {
        let scope = scope.name();
        Self::Forbidden {
            message: format!(
                "this API key lacks the scope '{scope}'; the hub's operator can give it one that has it"
            ),
            code: "insufficient_scope",
        }
    }

    pub fn keys_unreadable(error: &StoreError) -> Self {
        Self::Unavailable {
            message: format!("{error}; try again in a moment, the hub's log says why"),
            code: "keys_unreadable",
            retry_after: SHORT_PAUSE,
        }
    }

    pub fn not_logged_in() -> Self {
        Self::Unauthorised {
            message: "this is for the hub's operator: log in with POST /api/admin/login, or send an API key with the scope 'admin'".to_owned(),
            code: "login_required",
        }
    }

    pub fn wrong_password() -> Self {
        Self::Unauthorised {
            message: "the password is wrong; it is the hub's ADMIN_PASSWORD".to_owned(),
            code: "wrong_password",
        }
    }

    pub fn too_many_logins(retry_after: Duration) -> Self {
        let seconds = retry_after.as_secs_f64().ceil();
        Self::TooManyRequests {
            message: format!("too many passwords were tried; try again in {seconds} s"),
            retry_after,
        }
    }

    /// Where nobody can log in.
    pub fn admin_closed() -> Self {
        Self::Forbidden {
            message: "the operator's pages are closed: start the hub with ADMIN_PASSWORD, or call it from its own machine by a loopback address where it listens there only".to_owned(),
            code: "admin_closed",
        }
    }

    /// Where nobody has to log in.
    pub fn no_password() -> Self {
        Self::Forbidden {
            message:
                "this hub has no ADMIN_PASSWORD: whoever is at its own machine is its operator"
                    .to_owned(),
            code: "no_password",
        }
    }

    /// Where nobody else may read them.
    pub fn metrics_closed() -> Self {
        Self::Forbidden {
            message: "the metrics are for the hub's own machine: set METRICS_TOKEN on the hub and send it as 'Authorization: Bearer …'".to_owned(),
            code: "metrics_closed",
        }
    }

    pub fn metrics_token() -> Self {
        Self::Unauthorised {
            message:
                "the metrics need the hub's METRICS_TOKEN: send it as 'Authorization: Bearer …'"
                    .to_owned(),
            code: "invalid_metrics_token",
        }
    }

    pub fn foreign_page() -> Self {
        Self::Forbidden {
            message: "only the hub's own pages may do this from a browser; open them at the hub's own address".to_owned(),
            code: "origin_not_allowed",
        }
    }

    /// What an operator asked for, and the database did not do.
    pub fn database(error: &StoreError) -> Self {
        tracing::warn!("an operator's request failed: {error}");
        Self::Unavailable {
            message: format!("the hub's database failed: {error}"),
            code: "database_unavailable",
            retry_after: LONG_PAUSE,
        }
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::Failed {
            message: message.into(),
            code: "internal_error",
        }
    }

    /// For who asks for a script: the hub writes its own address into it.
    pub fn unclear_address() -> Self {
        Self::BadRequest {
            message: "the Host of this request (or a proxy's X-Forwarded-Host or -Proto) is no plain host \
                      with an optional port; fetch the script from the hub's usual address"
                .to_owned(),
            param: None,
            code: Some("unclear_address"),
        }
    }

    pub fn too_many_listeners(limit: usize) -> Self {
        Self::TooManyRequests {
            message: format!(
                "{limit} clients already listen to this hub's statistics; ask GET /api/stats, or try again"
            ),
            retry_after: LONG_PAUSE,
        }
    }

    pub fn too_many_log_readers(limit: usize) -> Self {
        Self::TooManyRequests {
            message: format!(
                "{limit} clients already read this hub's log; close one of them, or try again"
            ),
            retry_after: LONG_PAUSE,
        }
    }

    pub fn too_many_connections(limit: usize) -> Self {
        Self::Unavailable {
            message: format!(
                "this hub already has its {limit} connections; try again, or its operator can raise \
                 MAX_CONNECTIONS"
            ),
            code: "too_many_connections",
            retry_after: SHORT_PAUSE,
        }
    }

    pub fn not_answered_within(deadline: Duration) -> Self {
        Self::DeadlineExpired {
            message: format!(
                "the hub could not answer within {} seconds; try again later",
                deadline.as_secs_f64()
            ),
        }
    }

    pub fn no_history() -> Self {
        Self::Unavailable {
            message: "the hub's database can't be read right now; its log says why".to_owned(),
            code: "history_unavailable",
            retry_after: LONG_PAUSE,
        }
    }

    pub fn stopping() -> Self {
        Refusal::Stopping.into()
    }
}
