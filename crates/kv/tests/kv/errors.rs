use crate::support::*;
use understudy_kv::*;

fn put_operation(key: &str) -> Operation {
    Operation::Put(put(key, "1"))
}

fn delete_operation(key: &str, end: &str) -> Operation {
    Operation::DeleteRange(delete(key, end))
}

fn nest(success: Vec<Operation>, failure: Vec<Operation>) -> Operation {
    Operation::Txn(Txn {
        success,
        failure,
        ..Txn::default()
    })
}

#[test]
fn messages_and_codes_are_those_that_clients_match() {
    use KvErrorKind::{FailedPrecondition, InvalidArgument, NotFound, OutOfRange};
    let cases = [
        (
            KvError::KeyNotProvided,
            InvalidArgument,
            "key is not provided",
        ),
        (KvError::KeyNotFound, InvalidArgument, "key not found"),
        (KvError::ValueProvided, InvalidArgument, "value is provided"),
        (KvError::LeaseProvided, InvalidArgument, "lease is provided"),
        (
            KvError::DuplicateKey,
            InvalidArgument,
            "duplicate key given in txn request",
        ),
        (
            KvError::TooManyOps,
            InvalidArgument,
            "too many operations in txn request",
        ),
        (
            KvError::RequestTooLarge,
            InvalidArgument,
            "request is too large",
        ),
        (
            KvError::Compacted,
            OutOfRange,
            "mvcc: required revision has been compacted",
        ),
        (
            KvError::FutureRevision,
            OutOfRange,
            "mvcc: required revision is a future revision",
        ),
        (
            KvError::LeaseNotFound,
            NotFound,
            "requested lease not found",
        ),
        (
            KvError::LeaseExists,
            FailedPrecondition,
            "lease already exists",
        ),
        (KvError::LeaseTtlTooLarge, OutOfRange, "too large lease TTL"),
    ];
    for (error, kind, message) in cases {
        assert_eq!(
            (error.to_string(), error.kind()),
            (format!("etcdserver: {message}"), kind)
        );
    }
}

#[test]
fn an_empty_key_is_refused_wherever_it_stands() {
    let with_compare = Txn {
        compare: vec![compare("", CompareResult::Equal, CompareTarget::Version(0))],
        ..Txn::default()
    };
    let commands = [
        Command::Put(put("", "1")),
        Command::DeleteRange(delete("", "\0")),
        Command::Txn(with_compare),
        Command::Txn(success(vec![put_operation("")])),
        Command::Txn(success(vec![delete_operation("", "")])),
        Command::Txn(success(vec![nest(
            vec![],
            vec![Operation::Range(range("", ""))],
        )])),
    ];
    refused(commands, KvError::KeyNotProvided);
}

#[test]
fn what_is_ignored_must_not_be_given() {
    let value = PutRequest {
        ignore_value: true,
        ..put("a", "1")
    };
    let lease = PutRequest {
        ignore_lease: true,
        lease: 1,
        ..put("a", "1")
    };
    refused([Command::Put(value)], KvError::ValueProvided);
    refused([Command::Put(lease)], KvError::LeaseProvided);
}

#[test]
fn writes_that_meet_in_one_branch_are_refused_nested_ones_too() {
    let meeting = [
        vec![put_operation("a"), put_operation("a")],
        vec![put_operation("a"), delete_operation("a", "")],
        vec![delete_operation("a", "c"), put_operation("b")],
        vec![put_operation("b"), delete_operation("a", "\0")],
        vec![put_operation("a"), nest(vec![put_operation("a")], vec![])],
        vec![nest(vec![], vec![put_operation("a")]), put_operation("a")],
        vec![
            nest(vec![put_operation("a")], vec![]),
            nest(vec![], vec![put_operation("a")]),
        ],
        vec![
            nest(vec![put_operation("b")], vec![]),
            delete_operation("a", "c"),
        ],
        vec![
            nest(vec![delete_operation("a", "c")], vec![]),
            put_operation("b"),
        ],
    ];
    refused(
        meeting.map(|operations| Command::Txn(success(operations))),
        KvError::DuplicateKey,
    );
}

#[test]
fn writes_that_cannot_meet_are_accepted() {
    let apart = [
        vec![
            put_operation("a"),
            put_operation("b"),
            delete_operation("c", "d"),
        ],
        vec![delete_operation("a", "c"), delete_operation("b", "d")],
        vec![delete_operation("a", "b"), put_operation("b")],
        vec![delete_operation("c", "a"), put_operation("b")],
        vec![nest(vec![put_operation("a")], vec![put_operation("a")])],
        vec![nest(
            vec![put_operation("a")],
            vec![delete_operation("a", "b")],
        )],
    ];
    for operations in apart {
        assert_eq!(validate(&Command::Txn(success(operations))), Ok(()));
    }
    let both = Txn {
        success: vec![put_operation("a")],
        failure: vec![put_operation("a")],
        ..Txn::default()
    };
    assert_eq!(validate(&Command::Txn(both)), Ok(()));
}

#[test]
fn more_than_128_operations_or_comparisons_are_refused() {
    let puts = |count: usize| {
        (0..count)
            .map(|number| put_operation(&number.to_string()))
            .collect::<Vec<_>>()
    };
    let compares = vec![compare("a", CompareResult::Equal, CompareTarget::Version(0)); 129];
    let most = Txn {
        success: puts(128),
        failure: puts(128),
        ..Txn::default()
    };
    assert_eq!(validate(&Command::Txn(most)), Ok(()));
    let commands = [
        Command::Txn(success(puts(129))),
        Command::Txn(Txn {
            failure: puts(129),
            ..Txn::default()
        }),
        Command::Txn(Txn {
            compare: compares,
            ..Txn::default()
        }),
        Command::Txn(success(vec![nest(puts(128), vec![])])),
    ];
    refused(commands, KvError::TooManyOps);
}

#[test]
fn a_txn_nested_without_end_is_refused() {
    let deep = (0..1000).fold(Txn::default(), |inner, _| {
        success(vec![Operation::Txn(inner)])
    });
    assert_eq!(validate(&Command::Txn(deep)), Err(KvError::TooManyOps));
}

#[test]
fn a_request_over_a_mebibyte_and_a_half_is_refused() {
    let large = "x".repeat(LARGEST_REQUEST_BYTES);
    let half = "x".repeat(LARGEST_REQUEST_BYTES / 2);
    let two = vec![
        Operation::Put(put("a", &half)),
        Operation::Put(put("b", &half)),
    ];
    refused(
        [Command::Put(put("a", &large)), Command::Txn(success(two))],
        KvError::RequestTooLarge,
    );
    assert_eq!(validate(&Command::Put(put("a", &large[1..]))), Ok(()));
}

/// Refused at the door, and by apply without any change.
fn refused(commands: impl IntoIterator<Item = Command>, error: KvError) {
    let mut state = KvState::new();
    do_put(&mut state, "a", "1");
    let before = state.digest_from_scratch();
    for command in commands {
        assert_eq!(validate(&command), Err(error), "{command:?}");
        assert_eq!(apply(&mut state, command), Err(error));
        assert_eq!(state.digest_from_scratch(), before);
    }
}
