use crate::{
    Condition, ETag, Fetched, Listed, MemoryStore, Object, ObjectStore, PutAnswer, StoreError,
};
use async_trait::async_trait;
use bytes::Bytes;

/// How a store can betray the lease. Each was seen in a real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Takes the condition headers and ignores them.
    IgnoresConditions,
    /// Checks `If-Match`, and creates over an existing object.
    CreatesTwice,
    /// Gives one `ETag` to all bodies of a key.
    KeepsETag,
    /// Checks, then writes, and lets others in between.
    ChecksThenWrites,
}

impl Lie {
    pub const ALL: [Lie; 4] = [
        Lie::IgnoresConditions,
        Lie::CreatesTwice,
        Lie::KeepsETag,
        Lie::ChecksThenWrites,
    ];
}

/// A store that tells one lie; everything else is as in [`MemoryStore`]. It
/// exists so that the probe can be shown to refuse it.
#[derive(Clone, Debug)]
pub struct LyingStore {
    inner: MemoryStore,
    lie: Lie,
}

const ONLY_ETAG: &str = "\"00000000000000000000000000000000\"";

impl LyingStore {
    pub fn new(lie: Lie) -> Self {
        LyingStore {
            inner: MemoryStore::new(),
            lie,
        }
    }

    /// What the inner store holds now, as the condition that matches it.
    async fn condition_now(&self, key: &str) -> Result<Condition, StoreError> {
        Ok(match self.inner.get(key, None).await? {
            Fetched::Found(object) => Condition::Matches(object.etag),
            Fetched::Absent | Fetched::NotModified => Condition::Absent,
        })
    }

    async fn put_unchecked(&self, key: &str, body: Bytes) -> Result<PutAnswer, StoreError> {
        loop {
            let condition = self.condition_now(key).await?;
            let answer = self.inner.put(key, body.clone(), condition).await?;
            if answer != PutAnswer::Refused {
                return Ok(answer);
            }
        }
    }

    async fn check_then_write(
        &self,
        key: &str,
        body: Bytes,
        condition: Condition,
    ) -> Result<PutAnswer, StoreError> {
        let now = self.condition_now(key).await?;
        tokio::task::yield_now().await;
        if now != condition {
            return Ok(PutAnswer::Refused);
        }
        self.put_unchecked(key, body).await
    }

    async fn put_under_only_etag(
        &self,
        key: &str,
        body: Bytes,
        condition: Condition,
    ) -> Result<PutAnswer, StoreError> {
        let condition = match condition {
            Condition::Matches(etag) if etag.as_str() == ONLY_ETAG => {
                self.condition_now(key).await?
            }
            other => other,
        };
        let answer = self.inner.put(key, body, condition).await?;
        Ok(match answer {
            PutAnswer::Applied(_) => PutAnswer::Applied(ETag::new(ONLY_ETAG)),
            other => other,
        })
    }
}

#[async_trait]
impl ObjectStore for LyingStore {
    async fn get(&self, key: &str, known: Option<&ETag>) -> Result<Fetched, StoreError> {
        if self.lie != Lie::KeepsETag {
            return self.inner.get(key, known).await;
        }
        let etag = ETag::new(ONLY_ETAG);
        Ok(match self.inner.get(key, None).await? {
            Fetched::Found(_) if known == Some(&etag) => Fetched::NotModified,
            Fetched::Found(object) => Fetched::Found(Object { etag, ..object }),
            other => other,
        })
    }

    async fn put(
        &self,
        key: &str,
        body: Bytes,
        condition: Condition,
    ) -> Result<PutAnswer, StoreError> {
        match (self.lie, &condition) {
            (Lie::IgnoresConditions, _) | (Lie::CreatesTwice, Condition::Absent) => {
                self.put_unchecked(key, body).await
            }
            (Lie::CreatesTwice, Condition::Matches(_)) => {
                self.inner.put(key, body, condition).await
            }
            (Lie::KeepsETag, _) => self.put_under_only_etag(key, body, condition).await,
            (Lie::ChecksThenWrites, _) => self.check_then_write(key, body, condition).await,
        }
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.inner.delete(key).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Listed>, StoreError> {
        self.inner.list(prefix, after).await
    }
}
