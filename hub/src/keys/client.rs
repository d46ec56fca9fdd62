//! For whom a prompt is counted: a key, or an address without one.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
};

use serde::{Deserialize, Serialize};

use crate::net::network_of;

/// Numbers are never used again, those of revoked keys neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    Key(KeyId),
    /// The network of a caller without a key. It is in no record and no log.
    Network(IpAddr),
}

/// For whom a prompt is counted, and what was set aside for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bill {
    pub client: Client,
    /// False for a second attempt at a request that is counted already.
    pub is_request: bool,
    /// None where the client has no limits.
    pub reserved: Option<Reserved>,
}

/// What a client's limits hold back until its prompt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    pub tokens: u32,
    /// Whose limit they count against, in days since 1970.
    pub day: u64,
}

impl Client {
    pub fn at(address: IpAddr) -> Self {
        Self::Network(network_of(address))
    }

    pub fn key(self) -> Option<KeyId> {
        match self {
            Self::Key(id) => Some(id),
            Self::Network(_) => None,
        }
    }

    /// The same for the same client as long as this process lives; keys and networks never meet.
    pub fn number(self) -> u64 {
        match self {
            Self::Key(KeyId(id)) => u64::from(id),
            Self::Network(network) => {
                let mut hasher = DefaultHasher::new();
                network.hash(&mut hasher);
                hasher.finish() | 1 << 63
            }
        }
    }
}

impl Bill {
    /// For another attempt at the same request: nothing more is set aside, and what it uses counts.
    pub fn of_second_attempt(self) -> Self {
        Self {
            is_request: false,
            reserved: self.reserved.map(|reserved| Reserved {
                tokens: 0,
                ..reserved
            }),
            ..self
        }
    }

    /// For a client without limits.
    pub fn unmetered(client: Client) -> Self {
        Self {
            client,
            is_request: true,
            reserved: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_number_is_its_own() {
        let at = |text: &str| Client::at(text.parse().unwrap()).number();
        assert_eq!(at("192.0.2.1"), at("::ffff:192.0.2.1"));
        assert_eq!(
            at("2001:db8::1"),
            at("2001:db8::2"),
            "one customer's network"
        );
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
        assert_eq!(Client::Key(KeyId(7)).number(), 7);
        assert!(
            at("192.0.2.1") > u64::from(u32::MAX),
            "no key has such a number"
        );
    }
}
