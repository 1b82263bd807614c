use super::{CellProblem, expect};
use crate::{Condition, ETag, Fetched, ObjectStore, PutAnswer};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::sync::Arc;
use understudy_types::Nonce;

/// How many requests a cell has under way at once.
pub(super) const PARALLEL: usize = 16;

/// One run of one cell: a store, and a prefix of its own in it.
pub(super) struct Run {
    pub(super) store: Arc<dyn ObjectStore>,
    root: String,
}

impl Run {
    pub(super) fn new(store: Arc<dyn ObjectStore>, cell: &str) -> Result<Self, CellProblem> {
        let mut entropy = [0; 16];
        getrandom::fill(&mut entropy).map_err(|error| CellProblem::NoEntropy(error.to_string()))?;
        let root = format!("conformance/{}/{cell}/", Nonce::from_bytes(entropy));
        Ok(Run { store, root })
    }

    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.root)
    }

    pub(super) async fn put(
        &self,
        key: &str,
        body: &'static str,
        condition: Condition,
    ) -> Result<PutAnswer, CellProblem> {
        Ok(self
            .store
            .put(key, Bytes::from_static(body.as_bytes()), condition)
            .await?)
    }

    /// A create that must be applied.
    pub(super) async fn create(
        &self,
        key: &str,
        body: impl Into<Bytes>,
    ) -> Result<ETag, CellProblem> {
        applied(self.store.put(key, body.into(), Condition::Absent).await?)
    }

    /// The body that the key holds, or nothing.
    pub(super) async fn body(&self, key: &str) -> Result<Option<Bytes>, CellProblem> {
        match self.store.get(key, None).await? {
            Fetched::Found(object) => Ok(Some(object.body)),
            Fetched::Absent => Ok(None),
            Fetched::NotModified => Err(CellProblem::Unexpected {
                expected: "an object or its absence".into(),
                seen: "not modified, though no ETag was given".into(),
            }),
        }
    }

    pub(super) async fn expect_body(
        &self,
        key: &str,
        body: &'static str,
    ) -> Result<(), CellProblem> {
        expect(
            self.body(key).await?,
            Some(Bytes::from_static(body.as_bytes())),
        )
    }

    pub(super) async fn clear(&self) -> Result<(), CellProblem> {
        let left = self.store.list(&self.root, None).await?;
        stream::iter(left.into_iter().map(Ok))
            .try_for_each_concurrent(PARALLEL, async |line| {
                Ok(self.store.delete(&line.key).await?)
            })
            .await
    }

    /// Creates all these keys, several at once; the body is the key.
    pub(super) async fn create_all(&self, keys: Vec<String>) -> Result<(), CellProblem> {
        let mut creates = stream::iter(keys)
            .map(|key| async move { self.create(&key, key.clone()).await })
            .buffer_unordered(PARALLEL);
        while let Some(created) = creates.next().await {
            created?;
        }
        Ok(())
    }
}

pub(super) fn applied(answer: PutAnswer) -> Result<ETag, CellProblem> {
    match answer {
        PutAnswer::Applied(etag) => Ok(etag),
        other => Err(CellProblem::Unexpected {
            expected: "the put to be applied".into(),
            seen: format!("{other:?}"),
        }),
    }
}
