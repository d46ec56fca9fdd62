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

    fn identity(owner: Option<&str>, name: &str, trusted: bool, address: &str) -> String {
        let introduction = Introduction {
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
        };
        introduction.good_name(address.parse().unwrap()).0
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
