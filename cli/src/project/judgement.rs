//! What a request that came to nothing means for a project: whether to wait, to ask again, or to give up. Follows the
//! studio's `judgement.ts`.

use crate::hub::HubError;

#[derive(Debug, PartialEq)]
pub(super) enum Judgement {
    /// It does not answer: it comes back, or the person's network does.
    Hub,
    /// No machine has the model now.
    Nobody,
    /// All machines have enough to do.
    Busy,
    /// A machine began and did not end.
    Lost,
    /// The machine's window is smaller than it was thought to be.
    Window,
    /// Asking again would come to the same.
    Hopeless,
}

pub(super) fn judge(error: &HubError) -> Judgement {
    let (code, status) = match error {
        HubError::Unreachable { .. } => return Judgement::Hub,
        HubError::Unreadable { .. } => return Judgement::Lost,
        error if error.is_key() => return Judgement::Hopeless,
        error if error.is_nobody() => return Judgement::Nobody,
        error if error.is_window() => return Judgement::Window,
        HubError::Refused { code, status, .. } => (code.as_deref(), *status),
    };
    match (code.unwrap_or_default(), status) {
        ("rate_limit_exceeded" | "queue_full" | "deadline_expired" | "hub_stopping", _) => {
            Judgement::Busy
        }
        // A day's share is used up: it comes back at midnight, not in a moment.
        ("insufficient_quota", _) => Judgement::Hopeless,
        ("node_lost" | "out_of_memory", _) => Judgement::Lost,
        (_, 429 | 503) => Judgement::Busy,
        (_, 200 | 500..) => Judgement::Lost,
        _ => Judgement::Hopeless,
    }
}

/// The hub's own words; without any, the kind of failure.
pub(super) fn words_of(error: &HubError) -> String {
    match error {
        HubError::Refused { message, .. } if !message.is_empty() => message.clone(),
        HubError::Refused { status, .. } => format!("HTTP {status}"),
        HubError::Unreachable { .. } => "unreachable".to_owned(),
        HubError::Unreadable { .. } => "unreadable".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Lack;

    #[test]
    fn what_came_of_a_question_says_what_to_do() {
        use Judgement::{Busy, Hopeless, Hub, Lost, Nobody, Window};
        let said = |status, code: &str| HubError::Refused {
            status,
            code: Some(code.to_owned()).filter(|code| !code.is_empty()),
            message: String::new(),
            retry_after_seconds: None,
        };
        let (url, reason) = (String::new(), String::new());
        let lack = Lack::Broken;
        assert_eq!(judge(&HubError::Unreadable { url, reason }), Lost);
        let url = String::new();
        assert_eq!(judge(&HubError::Unreachable { url, lack }), Hub);
        for (status, code, judgement) in [
            (503, "no_node_available", Nobody),
            (404, "model_not_found", Nobody),
            (503, "model_unavailable", Nobody),
            (429, "rate_limit_exceeded", Busy),
            (504, "deadline_expired", Busy),
            (503, "hub_stopping", Busy),
            (503, "", Busy),
            (400, "context_length_exceeded", Window),
            (401, "", Hopeless),
            (403, "origin_not_allowed", Hopeless),
            (200, "invalid_api_key", Hopeless),
            (429, "insufficient_quota", Hopeless),
            (400, "invalid_request", Hopeless),
            (503, "node_lost", Lost),
            (200, "backend_failed", Lost),
            (500, "out_of_memory", Lost),
        ] {
            assert_eq!(judge(&said(status, code)), judgement, "{status} {code}");
        }
    }
}
