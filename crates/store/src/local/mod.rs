//! A store in a directory of this machine, for the one process that owns it:
//! what a node writes its lease to when the object store is lost for good.
//!
//! It keeps every promise of an [`ObjectStore`] but the one that matters most:
//! nobody else can reach it. Whoever uses it must say so.

mod object_file;

use crate::{
    Condition, ETag, FaultKind, Fetched, Listed, Object, ObjectStore, PutAnswer, StoreError,
};
use async_trait::async_trait;
use bytes::Bytes;
use object_file::{ObjectFile, files, path_of, read, remove, write};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// One file for each object. Clones share one lock, and only one of them per
/// directory may exist in all processes: the caller holds a lock for that.
#[derive(Clone, Debug)]
pub struct LocalStore {
    directory: Arc<PathBuf>,
    /// From the check of a condition to its write.
    writer: Arc<Mutex<()>>,
}

impl LocalStore {
    /// Makes the directory where it is missing. Blocks.
    pub fn open(directory: &Path) -> io::Result<LocalStore> {
        std::fs::create_dir_all(directory)?;
        Ok(LocalStore {
            directory: Arc::new(directory.to_owned()),
            writer: Arc::default(),
        })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&LocalStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        // Only a runtime that ends drops such work, and its callers with it.
        done.unwrap_or_else(|gone| {
            Err(StoreError::indeterminate(
                FaultKind::StoreFailed,
                gone.to_string(),
            ))
        })
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().expect("no holder of this lock panics")
    }

    fn current(&self, key: &str) -> Result<Option<ObjectFile>, StoreError> {
        read(&path_of(&self.directory, key)).map_err(|error| unreadable(&error))
    }

    fn put_now(
        &self,
        key: &str,
        body: &Bytes,
        condition: &Condition,
    ) -> Result<PutAnswer, StoreError> {
        let _writer = self.lock();
        let current = self.current(key)?;
        let holds = match (condition, &current) {
            (Condition::Absent, current) => current.is_none(),
            (Condition::Matches(etag), current) => current
                .as_ref()
                .is_some_and(|now| etag_of(&now.body) == *etag),
        };
        if !holds {
            return Ok(PutAnswer::Refused);
        }
        write(&self.directory, key, body).map_err(|error| {
            StoreError::indeterminate(FaultKind::StoreFailed, error.to_string())
        })?;
        Ok(PutAnswer::Applied(etag_of(body)))
    }
}

fn etag_of(body: &[u8]) -> ETag {
    ETag::new(format!("\"{}\"", blake3::hash(body).to_hex()))
}

fn unreadable(error: &io::Error) -> StoreError {
    StoreError::determinate(FaultKind::StoreFailed, error.to_string())
}

#[async_trait]
impl ObjectStore for LocalStore {
    async fn get(&self, key: &str, known: Option<&ETag>) -> Result<Fetched, StoreError> {
        let (key, known) = (key.to_owned(), known.cloned());
        self.blocking(move |store| {
            Ok(match store.current(&key)? {
                None => Fetched::Absent,
                Some(found) => {
                    let etag = etag_of(&found.body);
                    match known == Some(etag.clone()) {
                        true => Fetched::NotModified,
                        false => Fetched::Found(Object {
                            etag,
                            body: found.body,
                        }),
                    }
                }
            })
        })
        .await
    }

    async fn put(
        &self,
        key: &str,
        body: Bytes,
        condition: Condition,
    ) -> Result<PutAnswer, StoreError> {
        let key = key.to_owned();
        self.blocking(move |store| store.put_now(&key, &body, &condition))
            .await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.blocking(move |store| {
            let _writer = store.lock();
            remove(&store.directory, &key).map_err(|error| {
                StoreError::indeterminate(FaultKind::StoreFailed, error.to_string())
            })
        })
        .await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Listed>, StoreError> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.blocking(move |store| {
            let _writer = store.lock();
            let found = files(&store.directory).map_err(|error| unreadable(&error))?;
            let mut listed: Vec<_> = found
                .into_iter()
                .filter(|file| file.key.starts_with(&prefix))
                .filter(|file| after.as_ref().is_none_or(|after| file.key > *after))
                .map(|file| Listed {
                    etag: etag_of(&file.body),
                    size: file.body.len() as u64,
                    key: file.key,
                })
                .collect();
            listed.sort_by(|one, other| one.key.cmp(&other.key));
            Ok(listed)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
