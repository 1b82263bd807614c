use super::*;

#[test]
fn every_error_of_the_data_model_has_the_code_and_message_that_clients_match_on() {
    use Code::{FailedPrecondition, InvalidArgument, NotFound, OutOfRange};
    let table = [
        (
            KvError::KeyNotProvided,
            InvalidArgument,
            "etcdserver: key is not provided",
        ),
        (
            KvError::KeyNotFound,
            InvalidArgument,
            "etcdserver: key not found",
        ),
        (
            KvError::ValueProvided,
            InvalidArgument,
            "etcdserver: value is provided",
        ),
        (
            KvError::LeaseProvided,
            InvalidArgument,
            "etcdserver: lease is provided",
        ),
        (
            KvError::DuplicateKey,
            InvalidArgument,
            "etcdserver: duplicate key given in txn request",
        ),
        (
            KvError::TooManyOps,
            InvalidArgument,
            "etcdserver: too many operations in txn request",
        ),
        (
            KvError::RequestTooLarge,
            InvalidArgument,
            "etcdserver: request is too large",
        ),
        (
            KvError::Compacted,
            OutOfRange,
            "etcdserver: mvcc: required revision has been compacted",
        ),
        (
            KvError::FutureRevision,
            OutOfRange,
            "etcdserver: mvcc: required revision is a future revision",
        ),
        (
            KvError::LeaseNotFound,
            NotFound,
            "etcdserver: requested lease not found",
        ),
        (
            KvError::LeaseExists,
            FailedPrecondition,
            "etcdserver: lease already exists",
        ),
        (
            KvError::LeaseTtlTooLarge,
            OutOfRange,
            "etcdserver: too large lease TTL",
        ),
    ];
    for (error, code, message) in table {
        let status = of_kv_error(error);
        assert_eq!(
            (status.code(), status.message()),
            (code, message),
            "{error:?}"
        );
        assert!(
            !is_not_accepted(&status),
            "{error:?}: it was answered, not refused"
        );
    }
}

#[test]
fn every_refusal_of_a_node_says_that_nothing_happened() {
    use Code::{InvalidArgument, ResourceExhausted, Unavailable};
    let table = [
        (
            Refusal::NotPrimary,
            Unavailable,
            "etcdserver: leader changed",
        ),
        (
            Refusal::LeaseLapsed,
            Unavailable,
            "etcdserver: leader changed",
        ),
        (
            Refusal::ShuttingDown,
            Unavailable,
            "etcdserver: server stopped",
        ),
        (
            Refusal::Maintenance,
            Unavailable,
            "understudy: maintenance is on, writes are refused until an operator ends it",
        ),
        (
            Refusal::DiskFull,
            ResourceExhausted,
            "etcdserver: mvcc: database space exceeded",
        ),
        (
            Refusal::TooLarge,
            InvalidArgument,
            "etcdserver: request is too large",
        ),
    ];
    for (refusal, code, message) in table {
        let status = of_refusal(refusal);
        assert_eq!(
            (status.code(), status.message()),
            (code, message),
            "{refusal:?}"
        );
        assert!(is_not_accepted(&status), "{refusal:?}");
    }
    assert_eq!(no_primary().message(), "etcdserver: no leader");
    assert!(is_not_accepted(&no_primary()));
}

#[test]
fn an_unknown_outcome_never_says_that_nothing_happened() {
    let status = outcome_unknown();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "etcdserver: request timed out");
    assert!(!is_not_accepted(&status));
}
