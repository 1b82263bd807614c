use crate::shard::{HandshakeRefusal, History, common_position};
use proptest::prelude::*;
use understudy_types::{ChainHash, Epoch, Lsn, Position};

/// A log as a list of batches of one record: each is (epoch, writer's salt).
fn history(log: &[(u64, u64)]) -> History {
    let mut epochs: Vec<(Epoch, Option<Position>)> = Vec::new();
    let mut head: Option<Position> = None;
    for (index, (epoch, salt)) in log.iter().enumerate() {
        let epoch = Epoch::new(*epoch);
        if epochs.last().is_none_or(|(last, _)| *last != epoch) {
            epochs.push((epoch, head));
        }
        let before = head.map_or([0; 32], |head| *head.hash.as_bytes());
        let mut mixed = u64::from_le_bytes(before[..8].try_into().unwrap());
        mixed = (mixed ^ epoch.get() ^ (salt << 20)).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 1;
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&mixed.to_le_bytes());
        let lsn = Lsn::new(index as u64 + 1).unwrap();
        head = Some(Position {
            lsn,
            hash: ChainHash::from_bytes(hash),
        });
    }
    History { epochs, head }
}

fn position(log: &[(u64, u64)], records: usize) -> Option<Position> {
    history(&log[..records]).head
}

#[test]
fn empty_standby_shares_the_beginning() {
    assert_eq!(
        common_position(&history(&[(1, 0)]), &History::default()),
        Ok(None)
    );
    assert_eq!(
        common_position(&History::default(), &History::default()),
        Ok(None)
    );
}

#[test]
fn standby_never_follows_an_emptier_or_foreign_history() {
    let standby = history(&[(1, 0), (1, 0)]);
    for primary in [History::default(), history(&[(2, 0)])] {
        assert_eq!(
            common_position(&primary, &standby),
            Err(HandshakeRefusal::NothingShared)
        );
    }
}

#[test]
fn equal_behind_ahead_and_diverged_are_told_apart() {
    let log = [(1, 0), (1, 0), (2, 0), (2, 0)];
    let primary = history(&log);
    assert_eq!(common_position(&primary, &primary), Ok(primary.head));
    assert_eq!(
        common_position(&primary, &history(&log[..3])),
        Ok(position(&log, 3))
    );
    let ahead = history(&[(1, 0), (1, 0), (1, 0)]);
    assert_eq!(common_position(&primary, &ahead), Ok(position(&log, 2)));
    let diverged = history(&[(1, 0), (1, 0), (1, 0), (3, 0)]);
    assert_eq!(common_position(&primary, &diverged), Ok(position(&log, 2)));
}

proptest! {
    /// Epochs are written by one node each, which forks some log and goes on
    /// from there: whatever two logs come of it, what they share is exactly
    /// their longest common prefix.
    #[test]
    fn common_position_is_the_end_of_the_longest_common_prefix(
        writings in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..4_usize), 1..8),
        left in any::<prop::sample::Index>(),
        right in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut logs: Vec<Vec<(u64, u64)>> = vec![Vec::new()];
        for (epoch, (from, keep, records)) in writings.iter().enumerate() {
            let source = from.get(&logs).clone();
            let mut log = source[..keep.index(source.len() + 1)].to_vec();
            log.extend(std::iter::repeat_n((epoch as u64 + 1, 0), *records));
            logs.push(log);
        }
        let primary = left.get(&logs).clone();
        let whole = right.get(&logs);
        let standby = whole[..cut.index(whole.len() + 1)].to_vec();
        let shared = (0..=primary.len().min(standby.len()))
            .rev()
            .find(|n| position(&primary, *n) == position(&standby, *n))
            .unwrap();
        let found = common_position(&history(&primary), &history(&standby));
        if shared == 0 && !standby.is_empty() {
            prop_assert_eq!(found, Err(HandshakeRefusal::NothingShared));
        } else {
            prop_assert_eq!(found, Ok(position(&primary, shared)));
        }
    }
}
