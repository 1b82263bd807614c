//! The store's answers, in the core's words.

use understudy_protocol::ETag;
use understudy_protocol::control::{ObjectFetched, WriteAnswer};
use understudy_store::{Condition, Fetched, ObjectStore, PutAnswer, StoreError};

pub(crate) async fn fetch(
    store: &dyn ObjectStore,
    key: &str,
    known: Option<ETag>,
) -> ObjectFetched {
    let known = known.map(|etag| understudy_store::ETag::new(etag.0));
    match store.get(key, known.as_ref()).await {
        Ok(Fetched::Found(object)) => ObjectFetched::Found {
            etag: ETag(object.etag.as_str().to_owned()),
            body: object.body.to_vec(),
        },
        Ok(Fetched::NotModified) => ObjectFetched::NotModified,
        Ok(Fetched::Absent) => ObjectFetched::Absent,
        Err(error) => {
            tracing::warn!(%key, %error, "the object store did not answer");
            ObjectFetched::Failed
        }
    }
}

/// One attempt. Cancelled, it may have happened.
pub(crate) async fn write(
    store: &dyn ObjectStore,
    key: &str,
    base: ETag,
    body: Vec<u8>,
) -> WriteAnswer {
    let condition = Condition::Matches(understudy_store::ETag::new(base.0));
    match store.put(key, body.into(), condition).await {
        Ok(PutAnswer::Applied(etag)) => WriteAnswer::Applied(ETag(etag.as_str().to_owned())),
        Ok(PutAnswer::Refused) => WriteAnswer::Refused,
        Ok(PutAnswer::Conflict) => WriteAnswer::NotApplied,
        Err(error @ StoreError::Determinate(_)) => {
            tracing::warn!(%key, %error, "the object store did not take a write");
            WriteAnswer::NotApplied
        }
        Err(error @ StoreError::Indeterminate(_)) => {
            tracing::warn!(%key, %error, "a write's outcome is open; it is read back");
            WriteAnswer::Unknown
        }
    }
}
