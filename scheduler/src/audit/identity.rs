//! Whose good name it is.

use std::net::IpAddr;

use protocol::Owner;

/// What a node is known by from one connection to the next. It must outlive a connection, since a
/// fault that a reconnect washes off is none; and nobody else may be able to claim it, since a good
/// name is what spares audits. A node's name alone is neither: anybody can give it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// The secret that a browser made up and keeps; only it and the hub know it.
    Owner(Owner),
    /// A node that showed a key, by its name: only who has the key could claim it.
    Named(String),
    /// Who shows neither is whoever connects from there.
    Address(IpAddr),
}

impl Identity {
    /// `name`: of a node that showed a key.
    pub fn of(owner: Option<&Owner>, name: Option<&str>, address: IpAddr) -> Self {
        match (owner, name) {
            (Some(owner), _) => Self::Owner(owner.clone()),
            (None, Some(name)) => Self::Named(name.to_owned()),
            (None, None) => Self::Address(address),
        }
    }
}
