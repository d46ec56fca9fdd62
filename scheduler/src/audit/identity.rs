//! Whose good name it is.

/// What a node is known by from one connection to the next; whoever makes it decides what of a node that
/// is. It must outlive a connection, since a fault that a reconnect washes off is none; and nobody else may
/// be able to claim it, since a good name is what spares audits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity(pub String);
