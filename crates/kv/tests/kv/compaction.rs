use crate::support::*;
use understudy_kv::*;
use understudy_state::StateMachine;

/// a at 2, b at 3, a at 4, b deleted at 5, c at 6, a at 7.
fn filled() -> KvState {
    let mut state = KvState::new();
    do_put(&mut state, "a", "1");
    do_put(&mut state, "b", "1");
    do_put(&mut state, "a", "2");
    do_delete(&mut state, "b");
    do_put(&mut state, "c", "1");
    do_put(&mut state, "a", "3");
    state
}

#[test]
fn compaction_of_the_same_an_older_or_a_negative_revision_is_refused_as_compacted() {
    let mut state = filled();
    assert_eq!(do_compact(&mut state, -1), Err(KvError::Compacted));
    assert_eq!(do_compact(&mut state, 8), Err(KvError::FutureRevision));
    assert_eq!(state.compacted_revision(), None);
    assert_eq!(do_compact(&mut state, 4), Ok(()));
    for revision in [4, 3, 0, -5] {
        assert_eq!(do_compact(&mut state, revision), Err(KvError::Compacted));
    }
    assert_eq!((state.compacted_revision(), state.revision()), (Some(4), 7));
    assert_eq!(do_compact(&mut state, 7), Ok(()));
}

#[test]
fn history_at_and_above_the_compacted_revision_stays_readable() {
    let mut state = filled();
    let read = |state: &KvState, revision| {
        state
            .range(&RangeRequest {
                revision,
                ..everything()
            })
            .map(|response| response.kvs)
    };
    let before: Vec<_> = (4..=7)
        .map(|revision| read(&state, revision).unwrap())
        .collect();
    do_compact(&mut state, 4).unwrap();
    let after: Vec<_> = (4..=7)
        .map(|revision| read(&state, revision).unwrap())
        .collect();
    assert_eq!(before, after);
    assert_eq!(read(&state, 3), Err(KvError::Compacted));
    assert_eq!(state.hash_kv(3), Err(KvError::Compacted));
}

#[test]
fn the_newest_version_of_each_live_key_outlives_every_compaction() {
    let mut state = filled();
    let before = state.range(&everything()).unwrap();
    do_compact(&mut state, 7).unwrap();
    assert_eq!(state.range(&everything()).unwrap(), before);
    do_put(&mut state, "a", "4");
    assert_eq!(get(&state, "a").unwrap().version, 4);
}

#[test]
fn a_watch_from_exactly_the_compacted_revision_works_and_one_below_is_told() {
    let mut state = filled();
    do_compact(&mut state, 5).unwrap();
    assert_eq!(
        events_from(&state, 4),
        Err(CompactedAt {
            compact_revision: 5
        })
    );
    // What the deletion at 5 replaced is gone, the deletion itself is not.
    assert_eq!(
        told(&events_from(&state, 5).unwrap()),
        "-b@5 +c=1@6 +a=3@7(2)"
    );
    do_compact(&mut state, 7).unwrap();
    assert_eq!(told(&events_from(&state, 7).unwrap()), "+a=3@7");
}

#[test]
fn a_key_that_was_deleted_and_compacted_can_be_made_again() {
    let mut state = filled();
    do_compact(&mut state, 5).unwrap();
    do_put(&mut state, "b", "9");
    assert_eq!(
        told(&events_from(&state, 5).unwrap()),
        "-b@5 +c=1@6 +a=3@7(2) +b=9@8"
    );
    do_compact(&mut state, 6).unwrap();
    let kv = get(&state, "b").unwrap();
    assert_eq!((kv.version, kv.create_revision), (1, 8));
}

#[test]
fn compaction_gives_memory_back() {
    let mut state = KvState::new();
    for round in 0..50_000 {
        let command = Command::Put(put(&format!("key{}", round % 10), "some value of a record"));
        state.apply(CONTEXT, &command.encode()).unwrap();
    }
    let full = state.memory_bytes();
    do_compact(&mut state, 50_001).unwrap();
    assert!(
        state.memory_bytes() < full / 10,
        "{} of {full}",
        state.memory_bytes()
    );
}

#[test]
fn memory_of_deleted_keys_is_given_back_with_their_history() {
    let mut state = KvState::new();
    do_put(&mut state, "stays", "1");
    let before = state.memory_bytes();
    for number in 0..100 {
        do_put(&mut state, &format!("key{number}"), "value");
    }
    apply(&mut state, Command::DeleteRange(delete("key", "kez"))).unwrap();
    do_put(&mut state, "stays", "2");
    let revision = state.revision();
    do_compact(&mut state, revision).unwrap();
    // The list of free places for keys is all that may stay.
    assert!(
        state.memory_bytes() <= before + 1024,
        "{} of {before}",
        state.memory_bytes()
    );
}

#[test]
fn hash_of_a_revision_does_not_depend_on_later_writes() {
    let mut state = filled();
    do_compact(&mut state, 3).unwrap();
    let mut hashes = Vec::new();
    for value in ["x", "y", "z"] {
        hashes.push(state.hash_kv(0).unwrap());
        do_put(&mut state, "a", value);
    }
    for hash in hashes {
        let again = state.hash_kv(hash.hash_revision).unwrap();
        assert_eq!((again.hash, again.compact_revision), (hash.hash, Some(3)));
        assert_eq!(again.revision, 10);
    }
    assert_eq!(state.hash_kv(11), Err(KvError::FutureRevision));
}

#[test]
fn digest_tells_compacted_from_not_compacted_states() {
    let (mut one, two) = (filled(), filled());
    assert_eq!(one.digest(), two.digest());
    do_compact(&mut one, 2).unwrap();
    assert_ne!(one.digest(), two.digest());
}
