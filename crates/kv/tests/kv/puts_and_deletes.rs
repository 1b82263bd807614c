use crate::support::*;
use understudy_kv::*;

#[test]
fn an_empty_store_stands_at_revision_1_and_the_first_write_is_2() {
    let mut state = KvState::new();
    assert_eq!(state.revision(), 1);
    assert_eq!(do_put(&mut state, "a", "1"), 2);
    assert_eq!(state.revision(), 2);
}

#[test]
fn put_counts_versions_and_starts_again_at_1_after_a_delete() {
    let mut state = KvState::new();
    do_put(&mut state, "a", "1");
    do_put(&mut state, "a", "2");
    let kv = get(&state, "a").unwrap();
    assert_eq!((kv.version, kv.create_revision, kv.mod_revision), (2, 2, 3));
    do_delete(&mut state, "a");
    assert_eq!(get(&state, "a"), None);
    do_put(&mut state, "a", "3");
    let kv = get(&state, "a").unwrap();
    assert_eq!((kv.version, kv.create_revision, kv.mod_revision), (1, 5, 5));
}

#[test]
fn put_answers_the_previous_pair_only_when_asked() {
    let mut state = KvState::new();
    let asked = PutRequest {
        prev_kv: true,
        ..put("a", "1")
    };
    let previous = |response| match response {
        Ok(CommandResponse::Put(response)) => response.prev_kv.map(|kv| kv.value),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        previous(apply(&mut state, Command::Put(asked.clone()))),
        None
    );
    assert_eq!(
        previous(apply(&mut state, Command::Put(asked))),
        Some(bytes("1"))
    );
    assert_eq!(
        previous(apply(&mut state, Command::Put(put("a", "2")))),
        None
    );
}

#[test]
fn ignore_value_keeps_the_value_and_needs_the_key() {
    let mut state = KvState::new();
    let request = PutRequest {
        ignore_value: true,
        ..put("a", "")
    };
    let before = state.digest_from_scratch();
    assert_eq!(
        apply(&mut state, Command::Put(request.clone())),
        Err(KvError::KeyNotFound)
    );
    assert_eq!(state.digest_from_scratch(), before);
    do_put(&mut state, "a", "1");
    apply(&mut state, Command::Put(request)).unwrap();
    let kv = get(&state, "a").unwrap();
    assert_eq!((kv.value, kv.version), (bytes("1"), 2));
}

#[test]
fn ignore_lease_keeps_the_lease_and_needs_the_key() {
    let mut state = KvState::new();
    do_grant(&mut state, 7);
    let request = PutRequest {
        ignore_lease: true,
        ..put("a", "2")
    };
    assert_eq!(
        apply(&mut state, Command::Put(request.clone())),
        Err(KvError::KeyNotFound)
    );
    apply(
        &mut state,
        Command::Put(PutRequest {
            lease: 7,
            ..put("a", "1")
        }),
    )
    .unwrap();
    apply(&mut state, Command::Put(request)).unwrap();
    let kv = get(&state, "a").unwrap();
    assert_eq!((kv.value, kv.lease), (bytes("2"), 7));
}

#[test]
fn delete_of_nothing_does_not_advance_the_revision() {
    let mut state = KvState::new();
    do_put(&mut state, "a", "1");
    assert_eq!(do_delete(&mut state, "b"), 2);
    assert_eq!(do_delete(&mut state, "a"), 3);
    assert_eq!(do_delete(&mut state, "a"), 3);
}

#[test]
fn delete_of_a_range_is_one_revision_and_answers_count_and_pairs_in_order() {
    let mut state = KvState::new();
    for key in ["c", "a", "b", "d"] {
        do_put(&mut state, key, key);
    }
    let request = DeleteRangeRequest {
        prev_kv: true,
        ..delete("a", "d")
    };
    let Ok(CommandResponse::DeleteRange(response)) =
        apply(&mut state, Command::DeleteRange(request))
    else {
        panic!("a delete fails never")
    };
    assert_eq!((response.revision, response.deleted), (6, 3));
    let values: Vec<_> = response.prev_kvs.iter().map(|kv| &kv.value[..]).collect();
    assert_eq!(values, [b"a", b"b", b"c"]);
    assert_eq!(keys(&state.range(&everything()).unwrap()), "d");
}

#[test]
fn delete_of_a_range_whose_end_is_before_its_start_deletes_nothing() {
    let mut state = KvState::new();
    do_put(&mut state, "b", "1");
    let response = apply(&mut state, Command::DeleteRange(delete("c", "a"))).unwrap();
    assert_eq!(response.revision(), 2);
    assert!(get(&state, "b").is_some());
}
