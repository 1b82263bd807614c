use crate::support::*;
use understudy_kv::*;

/// a, b, ba, c written at 2 to 5, then a again at 6.
fn filled() -> KvState {
    let mut state = KvState::new();
    for (key, value) in [("a", "4"), ("b", "3"), ("ba", "2"), ("c", "1"), ("a", "5")] {
        do_put(&mut state, key, value);
    }
    state
}

#[test]
fn range_end_says_one_key_a_prefix_from_a_key_on_or_everything() {
    let state = filled();
    let cases = [
        ("b", "", "b"),
        ("b", "c", "b ba"),
        ("b", "\0", "b ba c"),
        ("\0", "\0", "a b ba c"),
        ("c", "b", ""),
        ("b", "b", ""),
        ("x", "", ""),
    ];
    for (key, end, expected) in cases {
        let response = state.range(&range(key, end)).unwrap();
        assert_eq!(keys(&response), expected, "{key:?} to {end:?}");
        assert_eq!(response.count, response.kvs.len() as i64);
        assert_eq!(response.revision, 6);
    }
}

#[test]
fn limit_says_more_and_count_is_the_whole_count() {
    let state = filled();
    for (limit, expected, more) in [
        (0, "a b ba c", false),
        (-1, "a b ba c", false),
        (2, "a b", true),
        (4, "a b ba c", false),
    ] {
        let response = state
            .range(&RangeRequest {
                limit,
                ..everything()
            })
            .unwrap();
        assert_eq!(
            (keys(&response).as_str(), response.more),
            (expected, more),
            "limit {limit}"
        );
        assert_eq!(response.count, 4);
    }
}

#[test]
fn count_only_has_no_pairs_and_keys_only_no_values() {
    let state = filled();
    let counted = state
        .range(&RangeRequest {
            count_only: true,
            limit: 1,
            ..everything()
        })
        .unwrap();
    assert_eq!(
        (counted.count, counted.kvs.len(), counted.more),
        (4, 0, false)
    );
    let bare = state
        .range(&RangeRequest {
            keys_only: true,
            ..everything()
        })
        .unwrap();
    assert_eq!(keys(&bare), "a b ba c");
    assert!(
        bare.kvs
            .iter()
            .all(|kv| kv.value.is_empty() && kv.mod_revision > 0)
    );
}

#[test]
fn sort_orders_by_each_target_both_ways_before_the_limit_cuts() {
    let state = filled();
    use SortOrder::{Ascend, Descend, None};
    let cases = [
        (SortTarget::Key, None, "a b ba c"),
        (SortTarget::Key, Ascend, "a b ba c"),
        (SortTarget::Key, Descend, "c ba b a"),
        (SortTarget::Value, Ascend, "c ba b a"),
        (SortTarget::Value, Descend, "a b ba c"),
        (SortTarget::Value, None, "c ba b a"),
        (SortTarget::ModRevision, Ascend, "b ba c a"),
        (SortTarget::ModRevision, Descend, "a c ba b"),
        (SortTarget::CreateRevision, Ascend, "a b ba c"),
        (SortTarget::CreateRevision, Descend, "c ba b a"),
        (SortTarget::Version, Ascend, "b ba c a"),
        (SortTarget::Version, Descend, "a b ba c"),
    ];
    for (sort_target, sort_order, expected) in cases {
        let request = RangeRequest {
            sort_target,
            sort_order,
            ..everything()
        };
        let whole = state.range(&request).unwrap();
        assert_eq!(keys(&whole), expected, "{sort_target:?} {sort_order:?}");
        let cut = state
            .range(&RangeRequest {
                limit: 1,
                ..request
            })
            .unwrap();
        assert_eq!(
            (&cut.kvs[..], cut.more, cut.count),
            (&whole.kvs[..1], true, 4)
        );
    }
}

#[test]
fn revision_filters_leave_pairs_out_but_not_out_of_the_count() {
    let state = filled();
    let cases = [
        (
            RangeRequest {
                min_mod_revision: 4,
                ..everything()
            },
            "a ba c",
        ),
        (
            RangeRequest {
                max_mod_revision: 4,
                ..everything()
            },
            "b ba",
        ),
        (
            RangeRequest {
                min_create_revision: 4,
                ..everything()
            },
            "ba c",
        ),
        (
            RangeRequest {
                max_create_revision: 2,
                ..everything()
            },
            "a",
        ),
        (
            RangeRequest {
                min_mod_revision: 4,
                max_create_revision: 4,
                ..everything()
            },
            "a ba",
        ),
    ];
    for (request, expected) in cases {
        let response = state.range(&request).unwrap();
        assert_eq!(
            (keys(&response).as_str(), response.count),
            (expected, 4),
            "{request:?}"
        );
        let cut = state
            .range(&RangeRequest {
                limit: 1,
                ..request
            })
            .unwrap();
        assert_eq!(cut.more, response.kvs.len() > 1);
    }
}

#[test]
fn earlier_revisions_read_as_they_were_with_the_header_of_now() {
    let mut state = filled();
    do_delete(&mut state, "b");
    for (revision, expected) in [
        (1, ""),
        (2, "a"),
        (4, "a b ba"),
        (6, "a b ba c"),
        (7, "a ba c"),
        (0, "a ba c"),
    ] {
        let response = state
            .range(&RangeRequest {
                revision,
                ..everything()
            })
            .unwrap();
        assert_eq!(
            (keys(&response).as_str(), response.revision),
            (expected, 7),
            "{revision}"
        );
    }
    let old = state
        .range(&RangeRequest {
            revision: 5,
            ..range("a", "")
        })
        .unwrap();
    assert_eq!((&old.kvs[0].value[..], old.kvs[0].version), (&b"4"[..], 1));
}

#[test]
fn range_without_a_key_or_in_the_future_is_refused() {
    let state = filled();
    assert_eq!(state.range(&range("", "\0")), Err(KvError::KeyNotProvided));
    let future = RangeRequest {
        revision: 7,
        ..range("a", "")
    };
    assert_eq!(state.range(&future), Err(KvError::FutureRevision));
}

#[test]
fn a_key_with_a_long_history_reads_right_at_each_revision() {
    let mut state = KvState::new();
    for number in 2..600 {
        assert_eq!(do_put_fast(&mut state, "hot", &number.to_string()), number);
    }
    for revision in 2..600 {
        let request = RangeRequest {
            revision,
            ..range("hot", "")
        };
        let kv = state.range(&request).unwrap().kvs.pop().unwrap();
        assert_eq!(
            (kv.mod_revision, kv.value),
            (revision, bytes(&revision.to_string()))
        );
    }
}

/// Without the check of the digest, which costs the whole state.
fn do_put_fast(state: &mut KvState, key: &str, value: &str) -> i64 {
    use understudy_state::StateMachine;
    state
        .apply(CONTEXT, &Command::Put(put(key, value)).encode())
        .unwrap()
        .revision()
}
