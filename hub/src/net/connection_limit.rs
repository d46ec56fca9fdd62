//! At most so many open connections per client address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[derive(Clone, Debug)]
pub struct ConnectionLimit {
    per_address: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One open connection; dropping it frees the place.
#[derive(Debug)]
pub struct ConnectionPermit {
    network: IpAddr,
    limit: ConnectionLimit,
}

impl ConnectionLimit {
    pub fn new(per_address: usize) -> Self {
        Self {
            per_address,
            open: Arc::default(),
        }
    }

    pub fn per_address(&self) -> usize {
        self.per_address
    }

    /// None where the address has all the connections it may have.
    pub fn acquire(&self, address: IpAddr) -> Option<ConnectionPermit> {
        self.acquire_within(self.per_address, address)
    }

    /// Likewise, where it may have so many at this moment.
    pub(crate) fn acquire_within(
        &self,
        per_address: usize,
        address: IpAddr,
    ) -> Option<ConnectionPermit> {
        let network = network_of(address);
        let mut open = self.lock();
        let count = open.get(&network).copied().unwrap_or_default();
        if count >= per_address {
            return None;
        }
        open.insert(network, count + 1);
        Some(ConnectionPermit {
            network,
            limit: self.clone(),
        })
    }

    /// The counts are whole after every statement, so a panic elsewhere can't have torn them.
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limit.lock();
        if let Some(count) = open.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.network);
            }
        }
    }
}

/// One IPv6 customer is given a /64 at the least, so counting single addresses would limit nobody.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_full_address_is_refused_until_a_permit_drops() {
        let limit = ConnectionLimit::new(2);
        let first = limit.acquire(address("192.0.2.1")).unwrap();
        let _second = limit.acquire(address("192.0.2.1")).unwrap();
        assert!(limit.acquire(address("192.0.2.1")).is_none());
        assert!(
            limit.acquire(address("192.0.2.2")).is_some(),
            "others are not concerned"
        );
        drop(first);
        assert!(limit.acquire(address("192.0.2.1")).is_some());
    }

    #[test]
    fn addresses_of_one_ipv6_customer_count_together() {
        let limit = ConnectionLimit::new(1);
        let _held = limit.acquire(address("2001:db8:1:2::1")).unwrap();
        assert!(limit.acquire(address("2001:db8:1:2:ffff::9")).is_none());
        assert!(limit.acquire(address("2001:db8:1:3::1")).is_some());
    }

    #[test]
    fn an_ipv4_address_is_the_same_in_its_mapped_form() {
        let limit = ConnectionLimit::new(1);
        let _held = limit.acquire(address("::ffff:192.0.2.1")).unwrap();
        assert!(limit.acquire(address("192.0.2.1")).is_none());
        assert!(limit.acquire(address("192.0.2.2")).is_some());
    }

    #[test]
    fn nothing_is_remembered_of_closed_connections() {
        let limit = ConnectionLimit::new(1);
        drop(limit.acquire(address("192.0.2.1")));
        assert!(limit.lock().is_empty());
    }
}
