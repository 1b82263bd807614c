use super::{ProbeCheck, ProbeRefusal};
use crate::{Condition, ETag, Fetched, Object, ObjectStore, PutAnswer, StoreError};
use bytes::Bytes;
use futures::future::join_all;
use std::collections::BTreeSet;
use std::sync::Mutex;

/// A group of the probe's requests that go one after the other, the keys that
/// they touched, and the way from an answer to a refusal.
#[derive(Debug)]
pub(super) struct Lane<'a> {
    store: &'a dyn ObjectStore,
    root: String,
    touched: Mutex<BTreeSet<String>>,
}

/// How often a put that was answered 409 is tried again.
const CONFLICTS_MAX: usize = 5;

impl<'a> Lane<'a> {
    pub(super) fn new(store: &'a dyn ObjectStore, root: String) -> Self {
        Lane {
            store,
            root,
            touched: Mutex::default(),
        }
    }

    pub(super) fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.root)
    }

    /// A body that no other put of the probe has.
    pub(super) fn body(&self, name: &str) -> Bytes {
        Bytes::from(format!("{}: {name}", self.root))
    }

    pub(super) async fn try_put(
        &self,
        key: &str,
        body: Bytes,
        condition: Condition,
    ) -> Result<PutAnswer, StoreError> {
        self.touched
            .lock()
            .expect("no holder of this lock panics")
            .insert(key.to_owned());
        self.store.put(key, body, condition).await
    }

    /// A put without rivals: a conflict is tried again a few times.
    pub(super) async fn put(
        &self,
        check: ProbeCheck,
        key: &str,
        body: Bytes,
        condition: Condition,
    ) -> Result<PutAnswer, ProbeRefusal> {
        for _ in 1..CONFLICTS_MAX {
            let answer = self.try_put(key, body.clone(), condition.clone()).await;
            match answer.map_err(|error| ProbeRefusal::Unanswered { check, error })? {
                PutAnswer::Conflict => {}
                answer => return Ok(answer),
            }
        }
        let last = self.try_put(key, body, condition).await;
        last.map_err(|error| ProbeRefusal::Unanswered { check, error })
    }

    /// A put that must be applied.
    pub(super) async fn apply(
        &self,
        check: ProbeCheck,
        key: &str,
        body: Bytes,
        condition: Condition,
    ) -> Result<ETag, ProbeRefusal> {
        match self.put(check, key, body, condition).await? {
            PutAnswer::Applied(etag) => Ok(etag),
            other => Err(unfit(check, format!("{other:?}"))),
        }
    }

    /// A put that must change nothing: `key` holds `unchanged` after it.
    pub(super) async fn refuse(
        &self,
        check: ProbeCheck,
        key: &str,
        condition: Condition,
        unchanged: Option<&Bytes>,
    ) -> Result<(), ProbeRefusal> {
        let answer = self
            .put(check, key, self.body("must not land"), condition)
            .await?;
        if let PutAnswer::Applied(_) = answer {
            return Err(unfit(check, "it was applied"));
        }
        let now = self.read(check, key).await?.map(|object| object.body);
        match now.as_ref() == unchanged {
            true => Ok(()),
            false => Err(unfit(
                check,
                format!("answered {answer:?}, and the object changed"),
            )),
        }
    }

    pub(super) async fn get(
        &self,
        check: ProbeCheck,
        key: &str,
        known: Option<&ETag>,
    ) -> Result<Fetched, ProbeRefusal> {
        let fetched = self.store.get(key, known).await;
        fetched.map_err(|error| ProbeRefusal::Unanswered { check, error })
    }

    pub(super) async fn read(
        &self,
        check: ProbeCheck,
        key: &str,
    ) -> Result<Option<Object>, ProbeRefusal> {
        match self.get(check, key, None).await? {
            Fetched::Found(object) => Ok(Some(object)),
            Fetched::Absent => Ok(None),
            Fetched::NotModified => Err(unfit(check, "304 to an unconditional get")),
        }
    }

    /// Deletes what the lane's puts touched, and looks whether it is gone.
    pub(super) async fn clear(&self) -> Result<(), ProbeRefusal> {
        let touched = self
            .touched
            .lock()
            .expect("no holder of this lock panics")
            .clone();
        let outcomes = join_all(touched.iter().map(|key| self.clear_one(key))).await;
        outcomes.into_iter().collect()
    }

    async fn clear_one(&self, key: &str) -> Result<(), ProbeRefusal> {
        let check = ProbeCheck::Delete;
        let deleted = self.store.delete(key).await;
        deleted.map_err(|error| ProbeRefusal::Unanswered { check, error })?;
        match self.read(check, key).await? {
            None => Ok(()),
            Some(_) => Err(unfit(check, "it is still there")),
        }
    }
}

pub(super) fn unfit(check: ProbeCheck, seen: impl Into<String>) -> ProbeRefusal {
    ProbeRefusal::Unfit {
        check,
        seen: seen.into(),
    }
}
