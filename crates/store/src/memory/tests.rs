use super::*;
use crate::Gate;
use crate::conformance::conformance;

const KEY: &str = "lease.json";

fn body(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn holds(store: &MemoryStore, key: &str) -> Option<Bytes> {
    match store.get(key, None).await.expect("no fault is left") {
        Fetched::Found(object) => Some(object.body),
        Fetched::Absent | Fetched::NotModified => None,
    }
}

async fn create(store: &MemoryStore, text: &'static str) -> Result<PutAnswer, StoreError> {
    store.put(KEY, body(text), Condition::Absent).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fake_passes_the_suite() {
    let report = conformance(Arc::new(MemoryStore::new()))
        .await
        .expect("conforms");
    assert_eq!(report.passed.len(), 19);
}

#[tokio::test]
async fn an_unreachable_store_did_not_do_it() {
    let store = MemoryStore::new();
    store.inject(Fault::Unreachable);
    assert!(
        !create(&store, "a")
            .await
            .expect_err("injected")
            .may_have_happened()
    );
    assert_eq!(holds(&store, KEY).await, None);
}

#[tokio::test]
async fn a_dropped_request_may_have_happened_and_did_not() {
    for fault in [Fault::DropBefore, Fault::Unavailable] {
        let store = MemoryStore::new();
        store.inject(fault);
        assert!(
            create(&store, "a")
                .await
                .expect_err("injected")
                .may_have_happened()
        );
        assert_eq!(holds(&store, KEY).await, None);
    }
}

#[tokio::test]
async fn a_lost_answer_may_have_happened_and_did() {
    let store = MemoryStore::new();
    store.inject(Fault::LoseAnswer);
    assert!(
        create(&store, "a")
            .await
            .expect_err("injected")
            .may_have_happened()
    );
    assert_eq!(holds(&store, KEY).await, Some(body("a")));
}

#[tokio::test]
async fn a_conflict_is_an_answer_and_nothing_happened() {
    let store = MemoryStore::new();
    store.inject(Fault::Conflict);
    assert_eq!(create(&store, "a").await, Ok(PutAnswer::Conflict));
    assert_eq!(holds(&store, KEY).await, None);
}

#[tokio::test]
async fn a_zombie_lands_after_it_was_read_back_as_absent() {
    let store = MemoryStore::new();
    let gate = Gate::new();
    store.inject(Fault::Zombie(gate.clone()));
    assert!(
        create(&store, "zombie")
            .await
            .expect_err("injected")
            .may_have_happened()
    );
    assert_eq!(holds(&store, KEY).await, None);
    gate.open().await;
    assert_eq!(holds(&store, KEY).await, Some(body("zombie")));
}

#[tokio::test]
async fn a_zombie_keeps_its_condition() {
    let store = MemoryStore::new();
    let gate = Gate::new();
    store.inject(Fault::Zombie(gate.clone()));
    create(&store, "zombie").await.expect_err("injected");
    assert!(matches!(
        create(&store, "living").await,
        Ok(PutAnswer::Applied(_))
    ));
    gate.open().await;
    assert_eq!(holds(&store, KEY).await, Some(body("living")));
}

#[tokio::test]
async fn faults_meet_the_calls_in_their_order() {
    let store = MemoryStore::new();
    store.pass_one();
    store.inject(Fault::Unavailable);
    assert!(matches!(
        create(&store, "a").await,
        Ok(PutAnswer::Applied(_))
    ));
    assert!(store.get(KEY, None).await.is_err());
    assert_eq!(holds(&store, KEY).await, Some(body("a")));
}
