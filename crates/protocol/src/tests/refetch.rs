use crate::lease::{EpochRecord, Handover, Heads, Lease, LeaseState, Member};
use crate::refetch::{NotByItself, may_refetch};
use understudy_types::{ClusterId, DataId, Epoch, NodeId, Nonce};

fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

fn member(name: &str) -> Member {
    Member {
        node: node(name),
        data_id: DataId::from_bytes([1; 16]),
        incarnation: Nonce::from_bytes([2; 16]),
        replication: String::new(),
        console: String::new(),
        clients: Default::default(),
    }
}

#[derive(Clone, Copy)]
enum Began {
    Whole,
    Lossy,
}

/// A lease that the last of these holders serves under; epochs from `first`.
fn lease(first: u64, holders: &[(&str, Began)]) -> Lease {
    let cluster = ClusterId::from_bytes([3; 16]);
    let nonce = Nonce::from_bytes([4; 16]);
    let mut lease = Lease::founding(cluster, "test".to_owned(), node("alpha"), nonce);
    for (epoch, (holder, began)) in (first..).zip(holders) {
        lease.remember(EpochRecord {
            epoch: Epoch::new(epoch),
            holder: node(holder),
            forks: Heads::new(),
            lossy: matches!(began, Began::Lossy),
            after: Default::default(),
        });
        lease.epoch = Epoch::new(epoch);
        lease.holder = Some(member(holder));
    }
    lease.state = LeaseState::Held;
    lease.handover = None;
    lease
}

fn bravo(lease: &Lease, sound: Option<u64>) -> Result<(), NotByItself> {
    may_refetch(lease, &node("bravo"), sound.map(Epoch::new))
}

#[test]
fn standby_that_never_wrote_the_damaged_part_fetches_it_anew() {
    let lease = lease(1, &[("alpha", Began::Whole)]);
    assert_eq!(bravo(&lease, None), Ok(()));
    assert_eq!(bravo(&lease, Some(1)), Ok(()));
}

#[test]
fn only_a_standby_of_another_node_that_serves_does() {
    let served = lease(1, &[("alpha", Began::Whole)]);
    let own = lease(1, &[("bravo", Began::Whole)]);
    assert_eq!(bravo(&own, None), Err(NotByItself::OwnLease));
    for state in [LeaseState::Released, LeaseState::Claimed] {
        let lease = Lease {
            state,
            ..served.clone()
        };
        assert_eq!(bravo(&lease, None), Err(NotByItself::NobodyServes));
    }
    let mut named = served;
    named.handover = Some(Handover {
        successor: node("bravo"),
        sealed: Heads::new(),
        activation: None,
    });
    assert_eq!(bravo(&named, None), Err(NotByItself::NamedSuccessor));
}

#[test]
fn old_primary_whose_end_was_lossy_keeps_its_damaged_log_for_an_operator() {
    use Began::{Lossy, Whole};
    let lossy = lease(1, &[("bravo", Whole), ("alpha", Lossy)]);
    let kept = Err(NotByItself::MayHoldWhatWasLost(Epoch::new(1)));
    assert_eq!(bravo(&lossy, None), kept);
    assert_eq!(bravo(&lossy, Some(1)), kept);
    // The damage is in what came after, from alpha.
    assert_eq!(bravo(&lossy, Some(2)), Ok(()));
    let whole = lease(1, &[("bravo", Whole), ("alpha", Whole)]);
    assert_eq!(bravo(&whole, None), Ok(()));
    let before = lease(1, &[("alpha", Whole), ("bravo", Lossy), ("alpha", Whole)]);
    assert_eq!(bravo(&before, None), Ok(()));
}

#[test]
fn epochs_that_the_lease_has_forgotten_are_not_guessed_at() {
    let lease = lease(7, &[("alpha", Began::Whole), ("alpha", Began::Whole)]);
    assert_eq!(bravo(&lease, Some(7)), Ok(()));
    let too_old = Err(NotByItself::TooOld(Epoch::new(7)));
    assert_eq!(bravo(&lease, Some(6)), too_old);
    assert_eq!(bravo(&lease, None), too_old);
}
