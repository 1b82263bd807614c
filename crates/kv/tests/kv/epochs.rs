use crate::support::*;
use understudy_kv::*;
use understudy_state::{EpochStart, StateMachine};

#[test]
fn an_epoch_that_lost_nothing_changes_nothing() {
    let mut state = KvState::new();
    do_put(&mut state, "a", "1");
    let before = state.digest();
    state.begin_epoch(EpochStart {
        lossy: false,
        ..LOSSY_EPOCH
    });
    assert_eq!((state.digest(), state.revision()), (before, 2));
}

#[test]
fn revisions_after_a_lossy_epoch_are_far_above_all_before() {
    let mut state = KvState::new();
    let mut highest = do_put(&mut state, "a", "1");
    for value in ["2", "3", "4"] {
        state.begin_epoch(LOSSY_EPOCH);
        assert!(state.revision() >= highest + REVISION_FLOOR_STEP);
        assert_eq!(state.digest(), state.digest_from_scratch());
        highest = do_put(&mut state, "a", value);
        assert_eq!(state.revision(), highest);
    }
    assert!(highest < 1 << 53);
}

#[test]
fn keys_outlive_a_lossy_epoch_and_watches_from_before_are_told_compacted() {
    let mut state = KvState::new();
    do_put(&mut state, "a", "1");
    do_put(&mut state, "b", "1");
    do_delete(&mut state, "b");
    let before = state.range(&everything()).unwrap();
    state.begin_epoch(LOSSY_EPOCH);
    let floor = state.revision();
    assert_eq!(state.range(&everything()).unwrap().kvs, before.kvs);
    for from in [1, 4, 5, floor - 1] {
        assert_eq!(
            events_from(&state, from),
            Err(CompactedAt {
                compact_revision: floor
            })
        );
    }
    let old = RangeRequest {
        revision: 4,
        ..everything()
    };
    assert_eq!(state.range(&old), Err(KvError::Compacted));
    assert_eq!(do_put(&mut state, "a", "2"), floor + 1);
    assert_eq!(
        told(&events_from(&state, floor + 1).unwrap()),
        format!("+a=2@{}(1)", floor + 1)
    );
    let kv = get(&state, "a").unwrap();
    assert_eq!((kv.version, kv.create_revision), (2, 2));
    do_compact(&mut state, floor + 1).unwrap();
}

#[test]
fn a_lossy_epoch_gives_the_memory_of_the_history_back() {
    let mut state = KvState::new();
    do_put(&mut state, "a", "1");
    let before = state.memory_bytes();
    for _ in 0..50 {
        do_put(&mut state, "a", "1");
        do_put(
            &mut state,
            "deleted",
            "a value that nobody can read any more",
        );
        do_delete(&mut state, "deleted");
    }
    state.begin_epoch(LOSSY_EPOCH);
    assert!(
        state.memory_bytes() <= before + 64,
        "{} of {before}",
        state.memory_bytes()
    );
}
