//! How many may be about to say who they are.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

/// All that a gate waits for at once.
pub(crate) const TOTAL_MAX: usize = 1024;
/// Of one address, where nodes and operators come in.
pub(crate) const MEMBERS_OF_ADDRESS_MAX: usize = 16;
/// Of one address, where clients come in: those of one host all come back at
/// the same moment after a failover.
pub(crate) const CLIENTS_OF_ADDRESS_MAX: usize = 256;

#[derive(Debug)]
pub(crate) struct Room {
    of_origin_max: usize,
    within: Mutex<Within>,
}

#[derive(Debug, Default)]
struct Within {
    total: usize,
    of_origin: HashMap<IpAddr, usize>,
}

/// A place in the room, free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    room: Arc<Room>,
    origin: IpAddr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoRoom {
    #[error("{0} connections from there have not said yet who they are")]
    OfAddress(usize),
    #[error("{TOTAL_MAX} connections have not said yet who they are")]
    AtAll,
}

impl Room {
    pub(crate) fn new(of_origin_max: usize) -> Arc<Room> {
        Arc::new(Room {
            of_origin_max,
            within: Mutex::default(),
        })
    }

    pub(crate) fn enter(self: &Arc<Room>, address: IpAddr) -> Result<Place, NoRoom> {
        let origin = origin(address);
        let mut within = self.within.lock();
        let of_origin = within.of_origin.get(&origin).copied().unwrap_or_default();
        if of_origin >= self.of_origin_max {
            return Err(NoRoom::OfAddress(of_origin));
        }
        if within.total >= TOTAL_MAX {
            return Err(NoRoom::AtAll);
        }
        within.total += 1;
        within.of_origin.insert(origin, of_origin + 1);
        let room = Arc::clone(self);
        Ok(Place { room, origin })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut within = self.room.within.lock();
        within.total -= 1;
        let left = within.of_origin[&self.origin] - 1;
        if left == 0 {
            within.of_origin.remove(&self.origin);
        } else {
            within.of_origin.insert(self.origin, left);
        }
    }
}

/// Whoever has one IPv6 address has the 2^64 beside it.
fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::{NoRoom, Room, TOTAL_MAX};
    use std::net::{IpAddr, Ipv4Addr};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_its_own_bound_and_a_place_that_is_left_is_free() {
        let room = Room::new(2);
        let first = room.enter(ip("127.0.0.1")).unwrap();
        let _second = room.enter(ip("::ffff:127.0.0.1")).unwrap();
        let refused = room.enter(ip("127.0.0.1")).unwrap_err();
        assert_eq!(refused, NoRoom::OfAddress(2));
        let _other = room.enter(ip("127.0.0.2")).unwrap();
        drop(first);
        let _again = room.enter(ip("127.0.0.1")).unwrap();
        assert!(room.enter(ip("127.0.0.1")).is_err());
    }

    #[test]
    fn one_network_of_the_sixth_version_is_one_address() {
        let room = Room::new(1);
        let _one = room.enter(ip("2001:db8:1:2::1")).unwrap();
        assert!(room.enter(ip("2001:db8:1:2:ffff::9")).is_err());
        assert!(room.enter(ip("2001:db8:1:3::1")).is_ok());
    }

    #[test]
    fn all_addresses_together_are_bounded() {
        let room = Room::new(1);
        let many = 0..u32::try_from(TOTAL_MAX).unwrap();
        let mut places: Vec<_> = many
            .map(|number| room.enter(Ipv4Addr::from_bits(number).into()).unwrap())
            .collect();
        assert_eq!(room.enter(ip("10.0.0.1")).unwrap_err(), NoRoom::AtAll);
        places.pop();
        assert!(room.enter(ip("10.0.0.1")).is_ok());
        drop(places);
        let within = room.within.lock();
        assert_eq!((within.total, within.of_origin.len()), (0, 0));
    }
}
