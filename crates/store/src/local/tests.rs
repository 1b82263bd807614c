use super::LocalStore;
use crate::conformance::conformance;
use crate::{Condition, Fetched, ObjectStore, PutAnswer};
use bytes::Bytes;
use std::sync::Arc;

#[tokio::test]
async fn keeps_the_contract() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = LocalStore::open(directory.path()).expect("opened");
    let report = conformance(Arc::new(store)).await;
    report.unwrap_or_else(|failure| panic!("{failure}"));
}

#[tokio::test]
async fn what_was_applied_is_there_when_it_is_opened_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = LocalStore::open(directory.path()).expect("opened");
    let body = Bytes::from_static(b"body");
    let put = store.put("a/b", body.clone(), Condition::Absent).await;
    let Ok(PutAnswer::Applied(etag)) = put else {
        panic!("{put:?}");
    };
    let again = LocalStore::open(directory.path()).expect("opened again");
    let Ok(Fetched::Found(object)) = again.get("a/b", None).await else {
        panic!("not found");
    };
    assert_eq!((object.etag, object.body), (etag, body));
}

#[tokio::test]
async fn a_file_that_was_not_finished_is_no_object() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = LocalStore::open(directory.path()).expect("opened");
    let torn = super::path_of(directory.path(), "k").with_extension("new");
    tokio::fs::write(torn, b"torn").await.expect("written");
    assert_eq!(store.get("k", None).await, Ok(Fetched::Absent));
    assert_eq!(store.list("", None).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_damaged_file_is_said_and_not_taken_for_absent() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = LocalStore::open(directory.path()).expect("opened");
    let file = super::path_of(directory.path(), "k");
    tokio::fs::write(file, b"\x09\0").await.expect("written");
    let error = store.get("k", None).await.expect_err("damaged");
    assert!(error.to_string().contains("is no object file"), "{error}");
    let put = store.put("k", Bytes::new(), Condition::Absent).await;
    assert!(put.is_err(), "{put:?}");
}
