use super::*;
use crate::{Fault, FaultKind, MemoryStore, ObjectStore};

fn entropy() -> Nonce {
    Nonce::from_bytes([7; 16])
}

#[tokio::test]
async fn an_honest_store_passes_and_is_left_clean() {
    let store = MemoryStore::new();
    let report = probe(&store, entropy()).await.expect("honest");
    assert_eq!(report.checks.len(), ProbeCheck::ALL.len());
    assert_eq!(store.list("", None).await, Ok(vec![]));
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_unanswered_not_unfit() {
    let store = MemoryStore::new();
    store.inject(Fault::Unreachable);
    match probe(&store, entropy()).await {
        Err(ProbeRefusal::Unanswered {
            check: ProbeCheck::Create,
            error,
        }) => {
            assert_eq!(error.kind(), FaultKind::Unreachable);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_conflict_is_tried_again() {
    let store = MemoryStore::new();
    store.inject(Fault::Conflict);
    probe(&store, entropy()).await.expect("409 is no refusal");
}
