//! The session's cookie.

use axum::http::{HeaderMap, HeaderValue, header};

use super::sessions::LASTS;

const NAME: &str = "kipina_admin";

/// The token that the request brings.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(header::COOKIE).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == NAME && !value.is_empty()).then_some(value)
        })
}

/// No script reads it, no other site's page sends it, and it goes nowhere but to the operator's API.
pub(super) fn set(token: &str, is_secure: bool) -> Option<HeaderValue> {
    HeaderValue::from_str(&written(token, LASTS.as_secs(), is_secure)).ok()
}

pub(super) fn clear(is_secure: bool) -> Option<HeaderValue> {
    HeaderValue::from_str(&written("", 0, is_secure)).ok()
}

fn written(token: &str, seconds: u64, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{NAME}={token}; Path=/api/admin; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_among_other_cookies() {
        for (cookies, found) in [
            (&["kipina_admin=abc"][..], Some("abc")),
            (&["a=b; kipina_admin=abc ;c=d"], Some("abc")),
            (&["a=b", "kipina_admin=abc"], Some("abc")),
            (&["kipina_admin="], None),
            (&["not_kipina_admin=abc"], None),
            (&["kipina_admin"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                headers.append(header::COOKIE, HeaderValue::from_static(cookie));
            }
            assert_eq!(token(&headers), found, "{cookies:?}");
        }
    }

    #[test]
    fn the_cookie_is_kept_from_scripts_and_other_sites() {
        let cookie = set("abc", true).unwrap();
        let expected =
            "kipina_admin=abc; Path=/api/admin; Max-Age=43200; HttpOnly; SameSite=Strict; Secure";
        assert_eq!(cookie, expected);
        assert!(
            !set("abc", false)
                .unwrap()
                .to_str()
                .unwrap()
                .contains("Secure")
        );
        assert!(
            clear(false)
                .unwrap()
                .to_str()
                .unwrap()
                .contains("Max-Age=0")
        );
    }
}
