//! The store's answers, in the core's words.

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use understudy_protocol::ETag;
use understudy_protocol::control::{ObjectFetched, WriteAnswer};
use understudy_store::{Condition, FaultKind, Fetched, ObjectStore, PutAnswer, StoreError};

/// The object store as the driver and the slots use it. A failure that lasts
/// is logged once: the core asks ten times a second then.
#[derive(Clone, Debug)]
pub(crate) struct NodeStore {
    /// Another one from the moment that the store is given up.
    objects: Arc<RwLock<Arc<dyn ObjectStore>>>,
    failing: Arc<Mutex<Option<FaultKind>>>,
}

impl NodeStore {
    pub(crate) fn new(objects: Arc<dyn ObjectStore>) -> Self {
        NodeStore {
            objects: Arc::new(RwLock::new(objects)),
            failing: Arc::default(),
        }
    }

    /// Every request from now on goes there; those that are under way end
    /// where they began.
    pub(crate) fn replace(&self, with: Arc<dyn ObjectStore>) {
        *self.objects.write() = with;
        *self.failing.lock() = None;
    }

    fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects.read())
    }

    pub(crate) async fn fetch(&self, key: &str, known: Option<ETag>) -> ObjectFetched {
        let known = known.map(|etag| understudy_store::ETag::new(etag.0));
        let fetched = self.objects().get(key, known.as_ref()).await;
        self.note(key, fetched.as_ref().err());
        match fetched {
            Ok(Fetched::Found(object)) => ObjectFetched::Found {
                etag: ETag(object.etag.as_str().to_owned()),
                body: object.body.to_vec(),
            },
            Ok(Fetched::NotModified) => ObjectFetched::NotModified,
            Ok(Fetched::Absent) => ObjectFetched::Absent,
            Err(_) => ObjectFetched::Failed,
        }
    }

    /// One attempt. Cancelled, it may have happened.
    pub(crate) async fn write(&self, key: &str, base: ETag, body: Vec<u8>) -> WriteAnswer {
        let condition = Condition::Matches(understudy_store::ETag::new(base.0));
        self.put(key, body.into(), condition).await
    }

    /// One attempt at a key that must be free. Cancelled, it may have happened.
    pub(crate) async fn create(&self, key: &str, body: Bytes) -> WriteAnswer {
        self.put(key, body, Condition::Absent).await
    }

    /// Durable on `Ok`. Cancelled, it may have happened.
    pub(crate) async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let removed = self.objects().delete(key).await;
        self.note(key, removed.as_ref().err());
        removed
    }

    async fn put(&self, key: &str, body: Bytes, condition: Condition) -> WriteAnswer {
        let answer = self.objects().put(key, body, condition).await;
        self.note(key, answer.as_ref().err());
        match answer {
            Ok(PutAnswer::Applied(etag)) => WriteAnswer::Applied(ETag(etag.as_str().to_owned())),
            Ok(PutAnswer::Refused) => WriteAnswer::Refused,
            Ok(PutAnswer::Conflict) | Err(StoreError::Determinate(_)) => WriteAnswer::NotApplied,
            // It is read back.
            Err(StoreError::Indeterminate(_)) => WriteAnswer::Unknown,
        }
    }

    fn note(&self, key: &str, error: Option<&StoreError>) {
        let kind = error.map(StoreError::kind);
        let before = std::mem::replace(&mut *self.failing.lock(), kind);
        match error {
            Some(error) if before != kind => {
                tracing::warn!(%key, "no answer of the object store: {error}");
            }
            None if before.is_some() => tracing::info!("the object store answers again"),
            _ => {}
        }
    }
}
