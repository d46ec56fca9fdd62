//! Whose good name a node has.

use std::net::IpAddr;

use scheduler::audit::Identity;
use sha2::{Digest, Sha256};

use crate::dispatch::Introduction;
use crate::net::network_of;

/// 128 bits: nobody finds another node's name by chance.
const BYTES: usize = 16;

impl Introduction {
    /// By the secret that a browser made up and keeps, which only it and the hub know; by the name of a node
    /// that showed a key, since only who has the key could claim it; else by where it connects from. A name
    /// alone anybody can give.
    ///
    /// What is kept of it is a digest: it is compared and nothing else, and it ends up in the database.
    pub(in crate::dispatch) fn good_name(&self, address: IpAddr) -> Identity {
        digest(&match &self.owner {
            Some(owner) => format!("owner {}", String::from(owner.clone())),
            None if self.trusted => format!("named {}", self.name),
            None => format!("network {}", network_of(address)),
        })
    }

    /// All that are behind the same address and that nobody knows yet: a secret is quickly made up. None where a key
    /// was shown.
    pub(in crate::dispatch) fn newcomers(&self, address: IpAddr) -> Option<Identity> {
        (!self.trusted).then(|| digest(&format!("newcomers {}", network_of(address))))
    }
}

fn digest(whose: &str) -> Identity {
    let digest = Sha256::digest(whose.as_bytes());
    let digits = digest[..BYTES].iter().map(|byte| format!("{byte:02x}"));
    Identity(digits.collect())
}

#[cfg(test)]
mod tests {
    use protocol::{Device, NodeKind, Owner};

    use super::*;

    fn introduction(owner: Option<&str>, name: &str, trusted: bool) -> Introduction {
        Introduction {
            name: name.to_owned(),
            kind: NodeKind::Browser,
            trusted,
            software: String::new(),
            models: Vec::new(),
            slots: 1,
            device: Device::default(),
            owner: owner.map(|owner| Owner::try_from(owner.to_owned()).unwrap()),
            only_own: false,
            paused: false,
        }
    }

    fn identity(owner: Option<&str>, name: &str, trusted: bool, address: &str) -> String {
        let introduction = introduction(owner, name, trusted);
        introduction.good_name(address.parse().unwrap()).0
    }

    #[test]
    fn newcomers_are_one_by_their_address_whatever_they_call_themselves() {
        let of = |owner, name, trusted, address: &str| {
            introduction(owner, name, trusted).newcomers(address.parse().unwrap())
        };
        let first = of(Some("0123456789abcdef"), "aino", false, "192.0.2.1");
        assert!(first.is_some());
        assert_eq!(first, of(None, "eino", false, "192.0.2.1"));
        assert_ne!(first, of(None, "eino", false, "192.0.2.2"));
        assert_eq!(
            of(None, "aino", true, "192.0.2.1"),
            None,
            "a key says who it is"
        );
        assert_ne!(first.unwrap().0, identity(None, "eino", false, "192.0.2.1"));
    }

    #[test]
    fn a_good_name_belongs_to_whoever_can_prove_it() {
        let owner = Some("0123456789abcdef");
        let aino = identity(owner, "aino", false, "192.0.2.1");
        assert_eq!(aino, identity(owner, "eino", true, "192.0.2.2"));
        let named = identity(None, "aino", true, "192.0.2.1");
        assert_eq!(named, identity(None, "aino", true, "192.0.2.2"));
        assert_ne!(named, identity(None, "eino", true, "192.0.2.1"));
        let nobody = identity(None, "aino", false, "2001:db8::1");
        assert_eq!(
            nobody,
            identity(None, "eino", false, "2001:db8::2"),
            "one customer's network"
        );
        assert!(nobody != named && named != aino);
    }

    #[test]
    fn neither_a_secret_nor_an_address_can_be_read_from_it() {
        let aino = identity(Some("0123456789abcdef"), "aino", false, "192.0.2.1");
        assert_eq!(aino.len(), 32);
        assert!(aino.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(!aino.contains("0123456789abcdef"));
    }
}
