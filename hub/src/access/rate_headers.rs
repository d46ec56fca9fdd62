//! `x-ratelimit-…`, as OpenAI's clients read them.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::keys::{Allowance, Standing};

/// Pages may read them, too.
pub(crate) const RATE_HEADERS: [&str; 6] = [
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
];

/// Tells what is left, as far as there are limits.
pub(crate) fn tell(standing: &Standing, headers: &mut HeaderMap) {
    let [requests @ .., _, _, _] = RATE_HEADERS;
    let [_, _, _, tokens @ ..] = RATE_HEADERS;
    for (allowance, [limit, remaining, reset]) in
        [(standing.requests, requests), (standing.tokens, tokens)]
    {
        let Some(allowance) = allowance else { continue };
        let Allowance {
            limit: most,
            remaining: left,
            reset: pause,
        } = allowance;
        headers.insert(HeaderName::from_static(limit), HeaderValue::from(most));
        headers.insert(HeaderName::from_static(remaining), HeaderValue::from(left));
        if let Ok(pause) = HeaderValue::from_str(&written(pause)) {
            headers.insert(HeaderName::from_static(reset), pause);
        }
    }
}

/// As OpenAI writes durations: `120ms`, `6s`, `1m30s`, `2h0m5s`.
fn written(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        return format!("{}ms", duration.as_millis());
    }
    let seconds = duration.as_secs_f64().ceil() as u64;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_openai_writes_them() {
        for (milliseconds, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (1000, "1s"),
            (1001, "2s"),
            (59_000, "59s"),
            (60_000, "1m0s"),
            (90_000, "1m30s"),
            (7_205_000, "2h0m5s"),
        ] {
            assert_eq!(written(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn only_what_is_limited_is_told() {
        let mut headers = HeaderMap::new();
        tell(&Standing::default(), &mut headers);
        assert!(headers.is_empty());
        let tokens = Some(Allowance {
            limit: 100,
            remaining: 40,
            reset: Duration::from_secs(36),
        });
        let standing = Standing {
            requests: None,
            tokens,
        };
        tell(&standing, &mut headers);
        assert_eq!(headers.len(), 3);
        assert_eq!(headers["x-ratelimit-limit-tokens"], "100");
        assert_eq!(headers["x-ratelimit-remaining-tokens"], "40");
        assert_eq!(headers["x-ratelimit-reset-tokens"], "36s");
    }
}
