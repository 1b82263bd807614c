use super::silence_of;
use anyhow::Context;
use understudy_protocol::Lease;
use understudy_store::{FaultKind, StoreError, StoreFault};
use understudy_types::{ClusterId, Nonce};

fn refusal_of(read: anyhow::Result<Option<Lease>>) -> Option<&'static str> {
    silence_of(read, "s3://bucket/dev").err().map(|it| it.id)
}

/// As a read of the lease fails.
fn failing(kind: FaultKind) -> anyhow::Result<Option<Lease>> {
    let detail = "as the store says".to_owned();
    Err(StoreError::Determinate(StoreFault { kind, detail })).context("cannot read lease.json")
}

#[test]
fn only_a_store_that_is_out_of_reach_or_gone_is_silent() {
    for kind in [
        FaultKind::Unreachable,
        FaultKind::TimedOut,
        FaultKind::ConnectionLost,
        FaultKind::StoreFailed,
        FaultKind::NoSuchBucket,
    ] {
        assert_eq!(refusal_of(failing(kind)), None, "{kind:?}");
    }
    for kind in [
        FaultKind::WrongCredentials,
        FaultKind::NoCredentials,
        FaultKind::AccessDenied,
        FaultKind::WrongRegion,
        FaultKind::ClockSkew,
        FaultKind::NotSupported,
        FaultKind::Rejected,
        FaultKind::UnreadableAnswer,
    ] {
        assert_eq!(refusal_of(failing(kind)), Some("E327"), "{kind:?}");
    }
}

#[test]
fn lease_that_is_there_is_no_silence_whether_it_can_be_read_or_not() {
    let cluster = ClusterId::from_bytes([1; 16]);
    let first = "alpha".parse().unwrap();
    let lease = Lease::founding(cluster, "dev".into(), first, Nonce::from_bytes([2; 16]));
    assert_eq!(refusal_of(Ok(Some(lease))), Some("E320"));
    let corrupt = Lease::decode(b"{}").map(Some).map_err(Into::into);
    assert_eq!(refusal_of(corrupt), Some("E327"));
    assert_eq!(refusal_of(Ok(None)), None);
}
