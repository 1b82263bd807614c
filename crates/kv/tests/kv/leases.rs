use crate::support::*;
use understudy_kv::*;

fn put_with_lease(state: &mut KvState, key: &str, lease: i64) -> Result<CommandResponse, KvError> {
    apply(
        state,
        Command::Put(PutRequest {
            lease,
            ..put(key, "1")
        }),
    )
}

fn keys_of(state: &KvState, id: i64) -> Vec<String> {
    let keys = state.lease(id).unwrap().keys();
    keys.map(|key| String::from_utf8_lossy(key).into_owned())
        .collect()
}

fn revoke(state: &mut KvState, id: i64) -> Result<CommandResponse, KvError> {
    apply(state, Command::LeaseRevoke(LeaseRevokeRequest { id }))
}

#[test]
fn a_put_with_an_unknown_lease_is_refused() {
    let mut state = KvState::new();
    assert_eq!(
        put_with_lease(&mut state, "a", 5),
        Err(KvError::LeaseNotFound)
    );
    assert_eq!(state.revision(), 1);
}

#[test]
fn a_grant_advances_no_revision_and_refuses_a_used_id() {
    let mut state = KvState::new();
    do_grant(&mut state, 5);
    assert_eq!(state.revision(), 1);
    let again = Command::LeaseGrant(LeaseGrantRequest {
        id: 5,
        ttl_seconds: 1,
    });
    assert_eq!(apply(&mut state, again), Err(KvError::LeaseExists));
    assert_eq!(state.lease(5).unwrap().ttl_seconds, 60);
    let long = Command::LeaseGrant(LeaseGrantRequest {
        id: 6,
        ttl_seconds: 9_000_000_001,
    });
    assert_eq!(apply(&mut state, long), Err(KvError::LeaseTtlTooLarge));
    assert_eq!(
        state.leases().map(|lease| lease.id).collect::<Vec<_>>(),
        [5]
    );
}

#[test]
fn attaching_to_another_lease_detaches_from_the_former() {
    let mut state = KvState::new();
    do_grant(&mut state, 1);
    do_grant(&mut state, 2);
    put_with_lease(&mut state, "a", 1).unwrap();
    put_with_lease(&mut state, "b", 1).unwrap();
    put_with_lease(&mut state, "a", 2).unwrap();
    assert_eq!(
        (keys_of(&state, 1), keys_of(&state, 2)),
        (vec!["b".into()], vec!["a".into()])
    );
    do_put(&mut state, "a", "free");
    do_delete(&mut state, "b");
    assert!(keys_of(&state, 1).is_empty() && keys_of(&state, 2).is_empty());
}

#[test]
fn a_revoke_deletes_the_keys_in_order_in_one_revision() {
    let mut state = KvState::new();
    do_grant(&mut state, 1);
    for key in ["c", "a", "b"] {
        put_with_lease(&mut state, key, 1).unwrap();
    }
    assert_eq!(revoke(&mut state, 1).unwrap().revision(), 5);
    assert_eq!(
        told(&events_from(&state, 5).unwrap()),
        "-a@5(1) -b@5(1) -c@5(1)"
    );
    assert_eq!(revoke(&mut state, 1), Err(KvError::LeaseNotFound));
    assert_eq!(revoke(&mut state, 0), Err(KvError::LeaseNotFound));
}

#[test]
fn a_revoke_without_keys_advances_no_revision() {
    let mut state = KvState::new();
    do_grant(&mut state, 1);
    assert_eq!(revoke(&mut state, 1).unwrap().revision(), 1);
}
