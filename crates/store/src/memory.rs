use crate::{
    Condition, ETag, Fault, FaultKind, Fetched, Listed, Object, ObjectStore, PutAnswer, StoreError,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

/// A store inside the process, for tests and for the simulator's kind of
/// checks: atomic, with an `ETag` that is a function of the body alone, as
/// S3's is. Clones share one content. Faults wait in a queue, one for each
/// coming call.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    content: Arc<Mutex<Content>>,
}

#[derive(Debug, Default)]
struct Content {
    objects: BTreeMap<String, Object>,
    faults: VecDeque<Option<Fault>>,
}

impl MemoryStore {
    pub fn new() -> Self {
        Self::default()
    }

    /// The next call that has no fault yet meets this one.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push_back(Some(fault));
    }

    /// The next call that has no fault yet goes through unharmed.
    pub fn pass_one(&self) {
        self.lock().faults.push_back(None);
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("no holder of this lock panics")
    }

    fn next_fault(&self) -> Option<Fault> {
        self.lock().faults.pop_front().flatten()
    }

    /// Runs `effect` as the next fault wants it: never, at once, or later.
    fn attempt<T, F>(&self, effect: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Content) -> T + Send + 'static,
    {
        match self.next_fault() {
            None => Ok(effect(&mut self.lock())),
            Some(Fault::Unreachable) => {
                Err(StoreError::determinate(FaultKind::Unreachable, "injected"))
            }
            Some(Fault::DropBefore) => Err(lost("request dropped")),
            Some(Fault::LoseAnswer) => {
                effect(&mut self.lock());
                Err(lost("answer dropped"))
            }
            Some(Fault::Zombie(gate)) => {
                let store = self.clone();
                tokio::spawn(async move {
                    gate.passed().await;
                    effect(&mut store.lock());
                    gate.has_landed();
                });
                Err(StoreError::indeterminate(
                    FaultKind::TimedOut,
                    "injected: request delayed",
                ))
            }
            Some(Fault::Conflict) => Err(StoreError::determinate(
                FaultKind::Rejected,
                "injected: 409",
            )),
            Some(Fault::Unavailable) => Err(StoreError::indeterminate(
                FaultKind::StoreFailed,
                "injected: 503",
            )),
        }
    }

    fn next_put_conflicts(&self) -> bool {
        let mut content = self.lock();
        let conflicts = matches!(content.faults.front(), Some(Some(Fault::Conflict)));
        if conflicts {
            content.faults.pop_front();
        }
        conflicts
    }
}

fn lost(what: &str) -> StoreError {
    StoreError::indeterminate(FaultKind::ConnectionLost, format!("injected: {what}"))
}

fn etag_of(body: &Bytes) -> ETag {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    ETag::new(format!("\"{:016x}-{}\"", hasher.finish(), body.len()))
}

impl Content {
    fn fetch(&self, key: &str, known: Option<&ETag>) -> Fetched {
        match self.objects.get(key) {
            None => Fetched::Absent,
            Some(object) if known == Some(&object.etag) => Fetched::NotModified,
            Some(object) => Fetched::Found(object.clone()),
        }
    }

    fn store(&mut self, key: String, body: Bytes, condition: &Condition) -> PutAnswer {
        let holds = match (condition, self.objects.get(&key)) {
            (Condition::Absent, current) => current.is_none(),
            (Condition::Matches(etag), current) => current.is_some_and(|now| now.etag == *etag),
        };
        if !holds {
            return PutAnswer::Refused;
        }
        let etag = etag_of(&body);
        self.objects.insert(
            key,
            Object {
                etag: etag.clone(),
                body,
            },
        );
        PutAnswer::Applied(etag)
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Vec<Listed> {
        self.objects
            .iter()
            .filter(|(key, _)| key.starts_with(prefix))
            .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after))
            .map(|(key, object)| Listed {
                key: key.clone(),
                etag: object.etag.clone(),
                size: object.body.len() as u64,
            })
            .collect()
    }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn get(&self, key: &str, known: Option<&ETag>) -> Result<Fetched, StoreError> {
        let (key, known) = (key.to_owned(), known.cloned());
        self.attempt(move |content| content.fetch(&key, known.as_ref()))
    }

    async fn put(
        &self,
        key: &str,
        body: Bytes,
        condition: Condition,
    ) -> Result<PutAnswer, StoreError> {
        if self.next_put_conflicts() {
            return Ok(PutAnswer::Conflict);
        }
        let key = key.to_owned();
        self.attempt(move |content| content.store(key, body, &condition))
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.attempt(move |content| {
            content.objects.remove(&key);
        })
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Listed>, StoreError> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.attempt(move |content| content.list(&prefix, after.as_deref()))
    }
}

#[cfg(test)]
mod tests;
