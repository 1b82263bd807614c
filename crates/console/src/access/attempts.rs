use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;
use understudy_types::BootTime;

/// So many wrong tokens from one address …
const WRONG_MAX: u32 = 10;
/// … in so long, and it waits for the rest of it.
const WINDOW: Duration = Duration::from_secs(60);
const ADDRESSES_MAX: usize = 1024;

/// Wrong tokens, by the address that showed them. Bounded: while too many
/// addresses guess at once, no further one may try.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<IpAddr, (BootTime, u32)>>);

impl Attempts {
    /// How long this address has to wait, if it has to.
    pub(crate) fn wait(&self, address: IpAddr, now: BootTime) -> Option<Duration> {
        let address = network(address);
        let mut wrong = self.0.lock();
        if !wrong.contains_key(&address) && wrong.len() >= ADDRESSES_MAX {
            wrong.retain(|_, (since, _)| now.since(*since) < WINDOW);
            return (wrong.len() >= ADDRESSES_MAX).then_some(WINDOW);
        }
        let (since, count) = wrong.get(&address)?;
        let left = WINDOW.checked_sub(now.since(*since))?;
        (*count >= WRONG_MAX).then_some(left)
    }

    pub(crate) fn note_wrong(&self, address: IpAddr, now: BootTime) {
        let mut wrong = self.0.lock();
        let (since, count) = wrong.entry(network(address)).or_insert((now, 0));
        if now.since(*since) >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count += 1;
    }
}

/// One machine has many IPv6 addresses: its network counts as one.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.into(),
            None => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{ADDRESSES_MAX, Attempts, WINDOW, WRONG_MAX};
    use std::net::IpAddr;
    use std::time::Duration;
    use understudy_types::BootTime;

    const NOW: BootTime = BootTime::from_nanos(1_000_000_000);

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn address_with_too_many_wrong_tokens_waits_for_the_rest_of_the_minute() {
        let attempts = Attempts::default();
        let (here, there) = (address("10.0.0.1"), address("10.0.0.2"));
        for _ in 0..WRONG_MAX {
            assert_eq!(attempts.wait(here, NOW), None);
            attempts.note_wrong(here, NOW);
        }
        assert_eq!(attempts.wait(here, NOW), Some(WINDOW));
        let later = NOW + Duration::from_secs(50);
        assert_eq!(attempts.wait(here, later), Some(Duration::from_secs(10)));
        assert_eq!(attempts.wait(there, NOW), None);
        attempts.note_wrong(here, NOW + WINDOW);
        assert_eq!(attempts.wait(here, NOW + WINDOW), None);
    }

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let attempts = Attempts::default();
        for last in 0..WRONG_MAX {
            attempts.note_wrong(address(&format!("2001:db8::{last:x}")), NOW);
        }
        assert!(attempts.wait(address("2001:db8::ffff"), NOW).is_some());
        assert!(attempts.wait(address("2001:db8:0:1::1"), NOW).is_none());
    }

    #[test]
    fn memory_is_bounded_and_freed_with_time() {
        let attempts = Attempts::default();
        for number in 0..ADDRESSES_MAX as u32 {
            attempts.note_wrong(IpAddr::V4(number.into()), NOW);
        }
        let other = address("192.0.2.1");
        assert_eq!(attempts.wait(other, NOW), Some(WINDOW));
        assert_eq!(attempts.wait(other, NOW + WINDOW), None);
    }
}
