use crate::support::*;
use CompareResult::{Equal, Greater, Less, NotEqual};
use CompareTarget::{CreateRevision, Lease, ModRevision, Value, Version};
use understudy_kv::*;

fn holds(state: &mut KvState, compare: Compare) -> bool {
    let txn = Txn {
        compare: vec![compare],
        ..Txn::default()
    };
    do_txn(state, txn).unwrap().succeeded
}

#[test]
fn txn_with_several_writes_is_one_revision_and_its_events_keep_their_order() {
    let mut state = KvState::new();
    do_put(&mut state, "m", "0");
    let operations = vec![
        Operation::Put(put("z", "1")),
        Operation::DeleteRange(delete("m", "")),
        Operation::Put(put("a", "2")),
    ];
    let response = do_txn(&mut state, success(operations)).unwrap();
    assert_eq!((response.revision, response.succeeded), (3, true));
    let page = events_from(&state, 3).unwrap();
    assert_eq!(page.revisions.len(), 1);
    assert_eq!(told(&page), "+z=1@3 -m@3(0) +a=2@3");
}

#[test]
fn txn_that_writes_nothing_does_not_advance_the_revision() {
    let mut state = KvState::new();
    let nothing = [
        Txn::default(),
        success(vec![Operation::Range(everything())]),
        success(vec![Operation::DeleteRange(delete("a", "z"))]),
        Txn {
            failure: vec![Operation::Put(put("a", "1"))],
            ..Txn::default()
        },
    ];
    for txn in nothing {
        assert_eq!(do_txn(&mut state, txn).unwrap().revision, 1);
    }
}

#[test]
fn comparisons_hold_as_etcd_says() {
    let mut state = KvState::new();
    do_grant(&mut state, 9);
    do_put(&mut state, "a", "1");
    apply(
        &mut state,
        Command::Put(PutRequest {
            lease: 9,
            ..put("a", "2")
        }),
    )
    .unwrap();
    let cases = [
        (Version(2), Equal, true),
        (Version(2), NotEqual, false),
        (Version(1), Greater, true),
        (Version(3), Less, true),
        (CreateRevision(2), Equal, true),
        (CreateRevision(2), Greater, false),
        (ModRevision(3), Equal, true),
        (ModRevision(4), Less, true),
        (Value(bytes("2")), Equal, true),
        (Value(bytes("10")), Greater, true),
        (Value(bytes("2")), NotEqual, false),
        (Lease(9), Equal, true),
        (Lease(0), NotEqual, true),
    ];
    for (target, result, expected) in cases {
        let case = compare("a", result, target);
        assert_eq!(holds(&mut state, case.clone()), expected, "{case:?}");
    }
}

#[test]
fn an_absent_key_compares_as_0_and_fails_every_comparison_of_its_value() {
    let mut state = KvState::new();
    for target in [Version(0), CreateRevision(0), ModRevision(0), Lease(0)] {
        assert!(holds(&mut state, compare("a", Equal, target.clone())));
        assert!(!holds(&mut state, compare("a", NotEqual, target)));
    }
    for result in [Equal, Greater, Less, NotEqual] {
        assert!(!holds(&mut state, compare("a", result, Value(bytes("")))));
    }
}

#[test]
fn a_comparison_of_a_range_asks_every_key_of_it() {
    let mut state = KvState::new();
    do_put(&mut state, "a1", "x");
    do_put(&mut state, "a2", "y");
    let of_range = |target| Compare {
        range_end: bytes("b"),
        ..compare("a", Less, target)
    };
    assert!(!holds(&mut state, of_range(ModRevision(3))));
    assert!(holds(&mut state, of_range(ModRevision(4))));
    assert!(holds(&mut state, of_range(Value(bytes("z")))));
    let empty = Compare {
        range_end: bytes("d"),
        ..compare("c", Equal, Version(0))
    };
    assert!(holds(&mut state, empty));
}

#[test]
fn a_range_in_a_txn_sees_the_writes_before_it_and_not_those_after() {
    let mut state = KvState::new();
    let operations = vec![
        Operation::Range(range("a", "")),
        Operation::Put(put("a", "1")),
        Operation::Range(range("a", "")),
        Operation::Range(RangeRequest {
            revision: 1,
            ..range("a", "")
        }),
    ];
    let response = do_txn(&mut state, success(operations)).unwrap();
    let seen = |place: usize| match &response.responses[place] {
        OperationResponse::Range(response) => (keys(response), response.revision),
        other => panic!("{other:?}"),
    };
    assert_eq!(seen(0), (String::new(), 1));
    assert_eq!(seen(2), ("a".to_owned(), 2));
    assert_eq!(seen(3), (String::new(), 2));
}

#[test]
fn comparisons_of_a_nested_txn_see_the_state_before_the_outer_one() {
    let mut state = KvState::new();
    let nested = Txn {
        compare: vec![compare("a", Equal, Version(0))],
        success: vec![Operation::Put(put("b", "absent"))],
        failure: vec![Operation::Put(put("b", "present"))],
    };
    let operations = vec![Operation::Put(put("a", "1")), Operation::Txn(nested)];
    let response = do_txn(&mut state, success(operations)).unwrap();
    assert_eq!(response.revision, 2);
    assert_eq!(get(&state, "b").unwrap().value, bytes("absent"));
    assert_eq!(told(&events_from(&state, 2).unwrap()), "+a=1@2 +b=absent@2");
}

#[test]
fn a_txn_that_fails_in_its_last_operation_changes_nothing() {
    let mut state = KvState::new();
    do_put(&mut state, "a", "1");
    let before = state.digest_from_scratch();
    let failing = [
        (
            Operation::Put(PutRequest {
                lease: 5,
                ..put("b", "1")
            }),
            KvError::LeaseNotFound,
        ),
        (
            Operation::Put(PutRequest {
                ignore_value: true,
                ..put("b", "")
            }),
            KvError::KeyNotFound,
        ),
        (
            Operation::Range(RangeRequest {
                revision: 9,
                ..everything()
            }),
            KvError::FutureRevision,
        ),
    ];
    for (operation, error) in failing {
        let nested = Operation::Txn(success(vec![operation]));
        let txn = success(vec![Operation::Put(put("a", "2")), nested]);
        assert_eq!(do_txn(&mut state, txn), Err(error));
        assert_eq!((state.digest_from_scratch(), state.revision()), (before, 2));
    }
}

#[test]
fn a_txn_range_below_the_compacted_revision_is_refused() {
    let mut state = KvState::new();
    for value in ["1", "2", "3", "4"] {
        do_put(&mut state, "a", value);
    }
    do_compact(&mut state, 4).unwrap();
    let read = |revision| {
        success(vec![Operation::Range(RangeRequest {
            revision,
            ..everything()
        })])
    };
    assert_eq!(do_txn(&mut state, read(3)), Err(KvError::Compacted));
    assert_eq!(state.read_txn(&read(3)), Err(KvError::Compacted));
    assert!(do_txn(&mut state, read(4)).is_ok());
}

#[test]
fn a_txn_that_only_reads_is_answered_alike_with_and_without_the_log() {
    let mut state = KvState::new();
    do_put(&mut state, "a", "1");
    let nested = Txn {
        compare: vec![compare("a", Equal, Version(1))],
        failure: vec![],
        success: vec![Operation::Range(range("a", ""))],
    };
    let txn = success(vec![Operation::Range(everything()), Operation::Txn(nested)]);
    assert!(txn.is_read_only());
    let unlogged = state.read_txn(&txn).unwrap();
    assert_eq!(unlogged, do_txn(&mut state, txn).unwrap());
    assert!(
        !success(vec![Operation::Txn(success(vec![Operation::Put(put(
            "a", ""
        ))]))])
        .is_read_only()
    );
}
