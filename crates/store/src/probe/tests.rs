use super::*;
use crate::{Fault, FaultKind, Lie, LyingStore, MemoryStore, ObjectStore};

fn entropy() -> Nonce {
    Nonce::from_bytes([7; 16])
}

async fn refusal_of(lie: Lie) -> ProbeRefusal {
    let store = LyingStore::new(lie);
    let refusal = probe(&store, entropy())
        .await
        .expect_err("a lie must be seen");
    assert_eq!(
        store.list("", None).await,
        Ok(vec![]),
        "the probe cleans up after a refusal"
    );
    refusal
}

#[tokio::test]
async fn an_honest_store_passes_and_is_left_clean() {
    let store = MemoryStore::new();
    let report = probe(&store, entropy()).await.expect("honest");
    assert_eq!(report.checks.len(), ProbeCheck::ALL.len());
    assert_eq!(store.list("", None).await, Ok(vec![]));
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_refused() {
    assert_eq!(
        refusal_of(Lie::IgnoresConditions).await.check(),
        ProbeCheck::CreateAgain
    );
}

#[tokio::test]
async fn a_store_that_creates_twice_is_refused() {
    assert_eq!(
        refusal_of(Lie::CreatesTwice).await.check(),
        ProbeCheck::CreateAgain
    );
}

#[tokio::test]
async fn a_store_with_one_etag_for_all_bodies_is_refused() {
    assert_eq!(
        refusal_of(Lie::KeepsETag).await.check(),
        ProbeCheck::ETagChanges
    );
}

#[tokio::test]
async fn a_store_that_checks_and_then_writes_is_refused() {
    let refusal = refusal_of(Lie::ChecksThenWrites).await;
    assert_eq!(refusal.check(), ProbeCheck::CreateRace);
    assert!(refusal.to_string().contains("8 of 8 won"), "{refusal}");
}

#[tokio::test]
async fn a_refusal_names_its_id_the_check_what_was_expected_and_seen() {
    let text = refusal_of(Lie::CreatesTwice).await.to_string();
    for part in [
        ProbeRefusal::ID,
        "create-if-absent-twice",
        "is refused",
        "it was applied",
        "Use one",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
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
