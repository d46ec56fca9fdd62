//! A hub's key, which must not end up in what is printed.

use std::fmt;

use serde::Deserialize;

#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Secret(String);

impl Secret {
    /// Files and variables end in line ends that are no part of a key.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.reveal().is_empty()
    }

    /// Whether a request can carry it.
    pub(crate) fn is_sound(&self) -> bool {
        self.reveal().chars().all(|c| c.is_ascii_graphic())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_stands_between_the_spaces_and_is_not_printed() {
        let secret = Secret::new(" sekret\n");
        assert_eq!(secret.reveal(), "sekret");
        assert!(!format!("{secret:?}").contains("sekret"));
        let from_file: Secret = serde_json::from_str(r#"" sekret\n""#).unwrap();
        assert_eq!(from_file.reveal(), "sekret");
        assert!(Secret::new(" \r\n").is_empty());
    }

    #[test]
    fn what_no_request_can_carry_is_no_key() {
        assert!(Secret::new("sk-1+/=.~").is_sound());
        for bad in ["two words", "two\nlines", "ä", "a\u{7f}"] {
            assert!(!Secret::new(bad).is_sound(), "{bad}");
        }
    }
}
