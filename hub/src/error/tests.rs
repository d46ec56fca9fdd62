use super::*;
use crate::{
    dispatch::{FailureKind, PromptFailure, Refusal},
    keys::Scope,
    net::Refused,
};

fn failure(kind: FailureKind) -> ApiError {
    PromptFailure {
        kind,
        message: "sorry".to_owned(),
    }
    .into()
}

fn no_node(known: bool) -> ApiError {
    let retry_after = Duration::from_millis(1500);
    Refusal::NoNode {
        model: "m".to_owned(),
        known,
        retry_after,
    }
    .into()
}

#[test]
fn every_refusal_has_openais_status_type_and_code() {
    let pause = Duration::from_secs(3);
    let queue_full = Refusal::QueueFull {
        model: "m".to_owned(),
        waiting: 9,
        standing: QueueStanding {
            position: 10,
            expected_wait: Some(Duration::from_millis(2500)),
        },
        retry_after: pause,
    };
    let expired = Refusal::DeadlineExpired {
        model: "m".to_owned(),
        waited: pause,
    };
    let table: Vec<(ApiError, u16, &str, Option<&str>)> = vec![
        (
            ApiError::invalid("n", "no"),
            400,
            "invalid_request_error",
            None,
        ),
        (
            ApiError::unsupported("n", "no"),
            400,
            "invalid_request_error",
            Some("unsupported_parameter"),
        ),
        (
            failure(FailureKind::ContextLengthExceeded),
            400,
            "invalid_request_error",
            Some("context_length_exceeded"),
        ),
        (
            failure(FailureKind::InvalidRequest),
            400,
            "invalid_request_error",
            Some("invalid_request"),
        ),
        (
            ApiError::missing_key(),
            401,
            "authentication_error",
            Some("missing_api_key"),
        ),
        (
            ApiError::missing_scope(Scope::Api),
            403,
            "permission_error",
            Some("insufficient_scope"),
        ),
        (
            ApiError::LimitReached {
                message: "enough".to_owned(),
                code: "insufficient_quota",
                retry_after: pause,
                standing: Standing::default(),
            },
            429,
            "rate_limit_error",
            Some("insufficient_quota"),
        ),
        (
            Refused::ForeignOrigin {
                origin: "https://evil.example".to_owned(),
            }
            .into(),
            403,
            "permission_error",
            Some("origin_not_allowed"),
        ),
        (
            no_node(false),
            404,
            "invalid_request_error",
            Some("model_not_found"),
        ),
        (
            ApiError::BodyTooLarge { limit_bytes: 1 },
            413,
            "invalid_request_error",
            Some("request_too_large"),
        ),
        (
            queue_full.into(),
            429,
            "rate_limit_error",
            Some("rate_limit_exceeded"),
        ),
        (
            failure(FailureKind::BackendFailed),
            500,
            "server_error",
            Some("backend_failed"),
        ),
        (
            no_node(true),
            503,
            "server_error",
            Some("no_node_available"),
        ),
        (
            failure(FailureKind::NodeLost),
            503,
            "server_error",
            Some("node_lost"),
        ),
        (
            Refusal::Stopping.into(),
            503,
            "server_error",
            Some("hub_stopping"),
        ),
        (
            expired.into(),
            504,
            "server_error",
            Some("deadline_expired"),
        ),
        (
            failure(FailureKind::NodeSilent),
            504,
            "server_error",
            Some("deadline_expired"),
        ),
    ];
    for (error, status, kind, code) in table {
        assert_eq!(error.status().as_u16(), status, "{error:?}");
        assert_eq!(error.kind(), kind, "{error:?}");
        assert_eq!(error.code(), code, "{error:?}");
        let has_pause = error
            .into_response()
            .headers()
            .contains_key(header::RETRY_AFTER);
        assert_eq!(has_pause, matches!(status, 429 | 503));
    }
}

#[test]
fn a_pause_is_rounded_up_to_whole_seconds() {
    let response = no_node(true).into_response();
    assert_eq!(response.headers()[header::RETRY_AFTER], "2");
}

#[test]
fn the_body_carries_all_four_fields_even_where_they_are_empty() {
    let body = serde_json::to_value(no_node(true).body()).unwrap();
    assert!(body["error"]["param"].is_null());
    let body = serde_json::to_value(ApiError::invalid("stop", "too many").body()).unwrap();
    let expected = serde_json::json!({"error": {
        "message": "too many", "type": "invalid_request_error", "param": "stop", "code": null,
    }});
    assert_eq!(body, expected);
}
