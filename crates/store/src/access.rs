use crate::{Condition, ETag, Fetched, Listed, PutAnswer, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt::Debug;

/// An object store with conditional puts. Keys are relative to the prefix
/// that the implementation was made with, and are `/`-separated.
///
/// Dropping a future at any await cancels the waiting, not the request: a
/// cancelled `put` or `delete` may have happened, or may happen later.
#[async_trait]
pub trait ObjectStore: Send + Sync + Debug + 'static {
    /// Reads one object; `known` makes it a question whether it changed.
    /// Changes nothing, whatever it answers.
    async fn get(&self, key: &str, known: Option<&ETag>) -> Result<Fetched, StoreError>;

    /// Writes one object if `condition` holds. `Applied` means durable.
    /// [`StoreError::Indeterminate`] means that it may have been applied, or
    /// may yet be, until something else is written over the state that
    /// `condition` names.
    async fn put(
        &self,
        key: &str,
        body: Bytes,
        condition: Condition,
    ) -> Result<PutAnswer, StoreError>;

    /// Removes one object, without a condition; durable on `Ok`. An absent
    /// key is no error. Never used on the lease: its epoch would go.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// All objects whose key begins with `prefix` and sorts after `after`, in
    /// the order of the keys' bytes. It fetches every page before it answers,
    /// so the caller bounds the answer by its choice of `prefix` and `after`.
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Listed>, StoreError>;
}
