use crate::fixture::{config, connect, connect_shared, honest, serve};
use bytes::Bytes;
use understudy_devstore::{Lie, MissingBucket, Mode};
use understudy_store::conformance::conformance;
use understudy_store::{
    Condition, Credentials, FaultKind, Fetched, ObjectStore, ProbeCheck, ProbeRefusal, PutAnswer,
    S3Config, S3Store, probe,
};
use understudy_types::Nonce;

const ENTROPY: Nonce = Nonce::from_bytes([3; 16]);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_over_the_development_store_passes_the_suite() {
    let server = honest().await;
    let report = conformance(connect_shared(server.address).await)
        .await
        .expect("conforms");
    assert_eq!(report.passed.len(), 19);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_probe_accepts_the_development_store_and_leaves_it_clean() {
    let server = honest().await;
    let store = connect(server.address).await;
    let report = probe(&store, ENTROPY).await.expect("honest");
    assert_eq!(report.checks, ProbeCheck::ALL);
    assert_eq!(store.list("", None).await, Ok(vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_wants_bare_etags_passes_the_suite_and_the_probe() {
    let server = serve(|config| config.mode = Mode::WantsBareETags).await;
    let store = connect_shared(server.address).await;
    let report = probe(&*store, ENTROPY).await.expect("honest");
    assert_eq!(report.checks, ProbeCheck::ALL);
    let report = conformance(connect_shared(server.address).await).await;
    assert_eq!(report.expect("conforms").passed.len(), 19);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_probe_refuses_each_lie_and_says_what_it_saw() {
    for lie in Lie::ALL {
        let server = serve(|config| config.mode = Mode::Lies(lie)).await;
        let store = connect(server.address).await;
        let refusal = probe(&store, ENTROPY)
            .await
            .expect_err("a lie must be seen");
        let (check, seen) = match lie {
            Lie::IgnoresConditions | Lie::CreatesTwice => {
                (ProbeCheck::CreateAgain, "it was applied")
            }
            Lie::KeepsETag => (ProbeCheck::ETagChanges, "both bodies have"),
            Lie::ChecksThenWrites => (ProbeCheck::CreateRace, "of 8 won"),
        };
        assert!(
            matches!(refusal, ProbeRefusal::Unfit { .. }),
            "{lie:?}: {refusal}"
        );
        assert_eq!(refusal.check(), check, "{lie:?}: {refusal}");
        let text = refusal.to_string();
        for part in [ProbeRefusal::ID, check.name(), seen, "Use one"] {
            assert!(text.contains(part), "{lie:?}: {part:?} is not in {text:?}");
        }
        assert_eq!(store.list("", None).await, Ok(vec![]), "{lie:?}");
    }
}

#[tokio::test]
async fn wrong_credentials_did_not_happen_and_are_named() {
    let server = honest().await;
    let wrong = |access_key: &str, secret_key: &str| S3Config {
        credentials: Some(Credentials {
            access_key: access_key.into(),
            secret_key: secret_key.into(),
        }),
        ..config(server.address)
    };
    for config in [
        wrong("development", "not it"),
        wrong("nobody", "development-secret"),
    ] {
        let store = S3Store::connect(config)
            .await
            .expect("a valid configuration");
        let put = store.put("key", Bytes::new(), Condition::Absent).await;
        let error = put.expect_err("refused");
        assert!(!error.may_have_happened(), "{error}");
        assert_eq!(error.kind(), FaultKind::WrongCredentials, "{error}");
        assert!(
            error.to_string().contains("check the access key"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_missing_bucket_is_an_error_and_no_absent_key() {
    let server = serve(|config| config.missing_bucket = MissingBucket::Refused).await;
    let store = connect(server.address).await;
    let get = store.get("key", None).await.expect_err("no bucket");
    assert_eq!(get.kind(), FaultKind::NoSuchBucket, "{get}");
    let etag = understudy_store::ETag::new("\"0\"");
    let put = store
        .put("key", Bytes::new(), Condition::Matches(etag))
        .await;
    assert_eq!(put.expect_err("no bucket").kind(), FaultKind::NoSuchBucket);
    store.create_bucket().await.expect("made");
    store
        .create_bucket()
        .await
        .expect("making it again is no error");
    assert_eq!(store.get("key", None).await, Ok(Fetched::Absent));
}

#[tokio::test]
async fn prefixes_keep_pairs_apart() {
    let server = honest().await;
    let one = connect(server.address).await;
    let other = S3Config {
        prefix: "pairs/one-more".into(),
        ..config(server.address)
    };
    let other = S3Store::connect(other)
        .await
        .expect("a valid configuration");
    let put = one
        .put("lease.json", Bytes::from_static(b"1"), Condition::Absent)
        .await;
    assert!(matches!(put, Ok(PutAnswer::Applied(_))), "{put:?}");
    assert_eq!(other.get("lease.json", None).await, Ok(Fetched::Absent));
    assert_eq!(other.list("", None).await, Ok(vec![]));
}
