//! Whose a node or a prompt is, where its owner wants the two to meet.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A secret that one person's browser or program made up: nodes and prompts that carry the same
/// are that person's. Whoever knows it may use the nodes that are kept for it, so it is told to
/// nobody, nor printed.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Owner(String);

/// What is not fit to be a secret; the words never quote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an owner is {SHORTEST_OWNER} to {LONGEST_OWNER} random letters, digits, '-' or '_' (A-Z, a-z, 0-9)"
)]
pub struct InvalidOwner;

/// Short enough to type, too long to guess.
pub const SHORTEST_OWNER: usize = 16;
pub const LONGEST_OWNER: usize = 64;

impl TryFrom<String> for Owner {
    type Error = InvalidOwner;

    fn try_from(secret: String) -> Result<Self, InvalidOwner> {
        let length = SHORTEST_OWNER..=LONGEST_OWNER;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if length.contains(&secret.len()) && secret.bytes().all(allowed) {
            Ok(Self(secret))
        } else {
            Err(InvalidOwner)
        }
    }
}

impl From<Owner> for String {
    fn from(Owner(secret): Owner) -> Self {
        secret
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(text: &str) -> Result<Owner, InvalidOwner> {
        Owner::try_from(text.to_owned())
    }

    #[test]
    fn an_owner_is_long_enough_and_of_plain_characters() {
        for good in ["0123456789abcdef", "A-Z_a-z_0-9-----", &"x".repeat(64)] {
            assert!(owner(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "0123456789abcde",
            &"x".repeat(65),
            "0123456789abcde ",
            "0123456789abcdef\n",
            "0123456789abcdé",
            "0123456789abcde=",
        ] {
            assert_eq!(owner(bad), Err(InvalidOwner), "{bad:?}");
        }
    }

    #[test]
    fn neither_an_owner_nor_a_failed_one_is_printed() {
        let printed = format!("{:?}", owner("a-secret-of-mine").unwrap());
        assert_eq!(printed, "Owner(…)");
        let error = serde_json::from_str::<Owner>("\"my secret with spaces\"").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
