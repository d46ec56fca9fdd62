//! What a key is made of: random text that is shown once, and the digest that is kept of it.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// How every key begins, so that people and scanners of published code know one when they see it.
pub const BEGINNING: &str = "kp_";

/// Characters after the beginning that are no secret: 48 of the 256 bits.
const PUBLIC_CHARACTERS: usize = 8;

/// A whole key as its holder has it. Kept nowhere, and printed nowhere but in the answer that makes it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret(String);

/// The first characters of a key: enough to find it and to tell it from others, too few to use it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyPrefix(String);

/// SHA-256 of a secret. A password would want something slow; 256 random bits can't be guessed however
/// fast the guessing is, and a check must not cost every request a tenth of a second.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

/// What the system's generator could not give.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct NoRandomness(getrandom::Error);

/// 256 bits from the system's generator, as text without anything that a URL or a header would mind.
pub fn random_text() -> Result<String, NoRandomness> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl KeySecret {
    pub fn random() -> Result<Self, NoRandomness> {
        Ok(Self(format!("{BEGINNING}{}", random_text()?)))
    }

    /// None where the text can't be a key, whoever made it.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(BEGINNING)?).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    pub fn prefix(&self) -> KeyPrefix {
        KeyPrefix(self.0[..BEGINNING.len() + PUBLIC_CHARACTERS].to_owned())
    }

    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySecret({}…)", self.prefix().as_str())
    }
}

impl KeyPrefix {
    /// As it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Digest {
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    pub fn stored(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// In constant time: how long it takes must not tell how much was right.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_as_what_it_was_made_as() {
        let secret = KeySecret::random().unwrap();
        let text = secret.reveal();
        assert_eq!(text.len(), 3 + 43);
        let read = KeySecret::parse(text).expect("a key");
        assert!(read.digest().matches(&secret.digest()));
        assert!(text.starts_with(secret.prefix().as_str()));
        assert_ne!(secret, KeySecret::random().unwrap());
    }

    #[test]
    fn what_is_no_key_is_not_taken_for_one() {
        let key = KeySecret::random().unwrap().reveal().to_owned();
        let longer = format!("{key}A");
        let padded = format!("{key}=");
        for text in [
            "",
            "kp_",
            "none",
            "sk-proj-abc",
            &key[..key.len() - 1],
            &key[3..],
            &longer,
            &padded,
            &key.to_uppercase().replace("KP_", "KP-"),
            "kp_ääääääääääääääääääääää",
            "kp_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
        ] {
            assert!(KeySecret::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn neither_a_key_nor_its_digest_is_printed() {
        let secret = KeySecret::random().unwrap();
        let printed = format!("{secret:?} {:?}", secret.digest());
        assert!(!printed.contains(&secret.reveal()[12..]), "{printed}");
        assert!(printed.ends_with("Digest(…)"), "{printed}");
    }
}
