//! Random commands: the state must answer as the naive model does, and two
//! instances must stay alike.

use crate::model::Model;
use crate::support::*;
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use understudy_kv::*;
use understudy_state::StateMachine;

/// Few keys, so that they meet often.
fn key() -> impl Strategy<Value = Bytes> {
    prop::sample::select(vec!["a", "aa", "ab", "b", "c", "ca"]).prop_map(bytes)
}

fn range_end() -> impl Strategy<Value = Bytes> {
    let ends = prop::sample::select(vec!["\0", "ab", "b", "cb", "\u{1}"]).prop_map(bytes);
    prop_oneof![3 => Just(Bytes::new()), 2 => ends]
}

fn put_request() -> impl Strategy<Value = PutRequest> {
    let value = prop_oneof![4 => "[xyz]{0,2}", 1 => Just("long".repeat(200))];
    (key(), value, any::<bool>(), 0..12_u8, 0..40_u8).prop_map(
        |(key, value, prev_kv, ignore, lease)| {
            let ignore_value = ignore == 0;
            let value = if ignore_value {
                Bytes::new()
            } else {
                bytes(&value)
            };
            let lease = i64::from(lease == 0);
            PutRequest {
                key,
                value,
                lease,
                prev_kv,
                ignore_value,
                ignore_lease: ignore == 1 && lease == 0,
            }
        },
    )
}

fn delete_request() -> impl Strategy<Value = DeleteRangeRequest> {
    (key(), range_end(), any::<bool>()).prop_map(|(key, range_end, prev_kv)| DeleteRangeRequest {
        key,
        range_end,
        prev_kv,
    })
}

fn range_request() -> impl Strategy<Value = RangeRequest> {
    (key(), range_end(), prop_oneof![Just(0), 0..30_i64]).prop_map(|(key, range_end, revision)| {
        RangeRequest {
            key,
            range_end,
            revision,
            ..RangeRequest::default()
        }
    })
}

fn comparison() -> impl Strategy<Value = Compare> {
    let result = prop::sample::select(vec![
        CompareResult::Equal,
        CompareResult::Greater,
        CompareResult::Less,
        CompareResult::NotEqual,
    ]);
    let target = prop_oneof![
        (0..3_i64).prop_map(CompareTarget::Version),
        (0..20_i64).prop_map(CompareTarget::CreateRevision),
        (0..20_i64).prop_map(CompareTarget::ModRevision),
        "[xyz]{0,2}".prop_map(|value| CompareTarget::Value(bytes(&value))),
        (0..2_i64).prop_map(CompareTarget::Lease),
    ];
    (key(), range_end(), result, target).prop_map(|(key, range_end, result, target)| Compare {
        key,
        range_end,
        result,
        target,
    })
}

fn txn() -> impl Strategy<Value = Txn> {
    let operation = prop_oneof![
        3 => put_request().prop_map(Operation::Put),
        2 => delete_request().prop_map(Operation::DeleteRange),
        1 => range_request().prop_map(Operation::Range),
    ];
    let nest = |operation: BoxedStrategy<Operation>| {
        (
            vec(comparison(), 0..2),
            vec(operation.clone(), 0..4),
            vec(operation, 0..3),
        )
            .prop_map(|(compare, success, failure)| Txn {
                compare,
                success,
                failure,
            })
    };
    let inner = nest(operation.clone().boxed()).prop_map(Operation::Txn);
    nest(prop_oneof![4 => operation, 1 => inner].boxed())
}

pub(crate) fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => put_request().prop_map(Command::Put),
        3 => delete_request().prop_map(Command::DeleteRange),
        4 => txn().prop_map(Command::Txn),
        1 => (-1..40_i64).prop_map(|revision| Command::Compact(CompactRequest { revision })),
    ]
}

pub(crate) fn commands() -> impl Strategy<Value = Vec<Command>> {
    vec(command(), 1..40)
}

/// Everything that can be asked of the state, against the model.
fn assert_alike(state: &KvState, model: &Model) {
    assert_eq!(
        (state.revision(), state.compacted_revision()),
        (model.revision(), model.compacted)
    );
    for revision in 0..=model.revision() + 1 {
        let request = RangeRequest {
            revision,
            ..everything()
        };
        assert_eq!(state.range(&request), model.range(&request));
        for range in [KeyRange::all(), KeyRange::new(bytes("aa"), bytes("c"))] {
            let request = EventsRequest {
                from_revision: revision,
                keys: range.clone(),
                previous: PreviousVersion::Include,
                max_bytes: usize::MAX,
            };
            let told = state.events(&request).map(|page| page.revisions);
            assert_eq!(told, model.events(revision, &range));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn state_answers_as_the_model_does(commands in commands()) {
        let (mut state, mut model) = (KvState::new(), Model::new());
        for command in commands {
            let expected = model.apply(&command);
            let before = state.digest();
            let answer = apply(&mut state, command);
            prop_assert_eq!(answer.is_err().then_some(before), answer.is_err().then(|| state.digest()));
            prop_assert_eq!(answer.map(drop), expected);
        }
        assert_alike(&state, &model);
    }

    #[test]
    fn ranges_answer_as_the_model_does(commands in commands(), asked in vec(range_request(), 20)) {
        let (mut state, mut model) = (KvState::new(), Model::new());
        for command in commands {
            let _ = (apply(&mut state, command.clone()), model.apply(&command));
        }
        for request in asked {
            prop_assert_eq!(state.range(&request), model.range(&request));
        }
    }

    #[test]
    fn two_instances_stay_alike(commands in commands(), lossy_after in 0..40_usize) {
        let (mut one, mut two) = (KvState::new(), KvState::new());
        for (place, command) in commands.into_iter().enumerate() {
            let command = command.encode();
            prop_assert_eq!(one.apply(CONTEXT, &command), two.apply(CONTEXT, &command));
            if place == lossy_after {
                one.begin_epoch(LOSSY_EPOCH);
                two.begin_epoch(LOSSY_EPOCH);
            }
            prop_assert_eq!(one.digest(), two.digest());
            prop_assert_eq!(one.digest(), one.digest_from_scratch());
            prop_assert_eq!(one.memory_bytes(), two.memory_bytes());
        }
    }
}
