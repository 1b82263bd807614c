//! Records taken back: the state is what it was before them.

use crate::against_model::command;
use crate::support::*;
use proptest::collection::vec;
use proptest::prelude::*;
use understudy_kv::*;
use understudy_state::{CommandContext, EpochStart, OutOfReach, StateMachine};
use understudy_types::Lsn;

/// What a log carries.
#[derive(Clone, Debug)]
enum Record {
    Command(Command),
    LossyEpoch,
}

fn record() -> impl Strategy<Value = Record> {
    let id = 1..3_i64;
    let grant = id.clone().prop_map(|id| {
        let ttl_seconds = 60 + id;
        Command::LeaseGrant(LeaseGrantRequest { id, ttl_seconds })
    });
    let revoke = id.prop_map(|id| Command::LeaseRevoke(LeaseRevokeRequest { id }));
    prop_oneof![
        40 => command().prop_map(Record::Command),
        6 => grant.prop_map(Record::Command),
        3 => revoke.prop_map(Record::Command),
        1 => Just(Record::LossyEpoch),
    ]
}

fn lsn(number: usize) -> Lsn {
    Lsn::new(number as u64).expect("counted from 1")
}

/// Applies records that follow `applied` others. Gives the last one that is
/// never taken back, and with it all before it.
fn replay(state: &mut KvState, applied: usize, records: &[Record]) -> Option<usize> {
    let mut barrier = None;
    for (record, number) in records.iter().zip(applied + 1..) {
        let lsn = lsn(number);
        let gives_up = match record {
            Record::Command(command) => {
                let context = CommandContext { lsn, ..CONTEXT };
                let answer = state.apply(context, &command.encode());
                matches!(answer, Ok(CommandResponse::Compact(_)))
            }
            Record::LossyEpoch => {
                state.begin_epoch(EpochStart { lsn, ..LOSSY_EPOCH });
                true
            }
        };
        barrier = gives_up.then_some(number).or(barrier);
    }
    barrier
}

/// All that anybody can see of two states.
fn assert_same(one: &KvState, two: &KvState) {
    assert_eq!(one.digest(), two.digest());
    assert_eq!(one.digest(), one.digest_from_scratch());
    assert_eq!(one.revision(), two.revision());
    assert_eq!(one.compacted_revision(), two.compacted_revision());
    let leases = |state: &KvState| {
        let leases = state.leases().map(|lease| {
            let keys: Vec<_> = lease.keys().map(<[u8]>::to_vec).collect();
            (lease.id, lease.ttl_seconds, keys)
        });
        leases.collect::<Vec<_>>()
    };
    assert_eq!(leases(one), leases(two));
    for back in 0..40 {
        let revision = one.revision() - back;
        let at = RangeRequest {
            revision,
            ..everything()
        };
        assert_eq!(one.range(&at), two.range(&at));
        assert_eq!(events_from(one, revision), events_from(two, revision));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rolled_back_state_is_that_of_a_fresh_replay(
        records in vec(record(), 1..60),
        kept in 1..60_usize,
        others in vec(record(), 0..20),
    ) {
        let kept = kept.min(records.len());
        let mut state = KvState::new();
        let barrier = replay(&mut state, 0, &records);
        let before = state.digest();
        let rolled_back = state.roll_back(lsn(kept));
        let expected = if barrier > Some(kept) { Err(OutOfReach) } else { Ok(()) };
        prop_assert_eq!(rolled_back, expected);
        if rolled_back.is_err() {
            prop_assert_eq!(state.digest(), before);
            return Ok(());
        }
        let mut fresh = KvState::new();
        replay(&mut fresh, 0, &records[..kept]);
        assert_same(&state, &fresh);
        // Another history goes on from there, and may be taken back in turn.
        let barrier = replay(&mut state, kept, &others);
        replay(&mut fresh, kept, &others);
        assert_same(&state, &fresh);
        if barrier.is_none() {
            state.roll_back(lsn(kept)).expect("nothing was given up");
            let mut again = KvState::new();
            replay(&mut again, 0, &records[..kept]);
            assert_same(&state, &again);
        }
    }
}

#[test]
fn only_so_many_records_are_remembered() {
    let mut state = KvState::new();
    let records: Vec<_> = (0..40_000)
        .map(|number| Record::Command(Command::Put(put(&format!("k{}", number % 7), "v"))))
        .collect();
    replay(&mut state, 0, &records);
    assert_eq!(state.roll_back(lsn(40_000 - 32_769)), Err(OutOfReach));
    assert_eq!(state.roll_back(lsn(40_000 - 32_768)), Ok(()));
    let mut fresh = KvState::new();
    replay(&mut fresh, 0, &records[..40_000 - 32_768]);
    assert_same(&state, &fresh);
}
