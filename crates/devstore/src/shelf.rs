//! Contents and journal under one roof. A writer holds the journal from its
//! check to its flush, so check and change are one step; the contents change
//! after the flush, so readers see durable state only and never wait for a
//! disk.

use crate::contents::{Change, Contents, Stored};
use crate::journal::Journal;
use crate::{DevStoreError, MissingBucket};
use bytes::Bytes;
use md5::{Digest, Md5};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard};

const LOCK_NAME: &str = "lock";

#[derive(Debug)]
pub(crate) struct Shelf {
    journal: Mutex<Journal>,
    contents: RwLock<Contents>,
    missing_bucket: MissingBucket,
    /// Held as long as the shelf lives; the system lets go of it at a crash.
    _lock: File,
}

/// What must hold at the moment of a put or a delete. `ETag`s without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Requirement {
    Nothing,
    Absent,
    Exists,
    Matches(String),
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    NoSuchBucket,
    /// A match was required of a key that holds nothing.
    NoSuchKey,
    RequirementFailed,
}

impl Shelf {
    pub(crate) fn open(dir: &Path, missing_bucket: MissingBucket) -> Result<Self, DevStoreError> {
        std::fs::create_dir_all(dir).map_err(DevStoreError::disk("create", dir))?;
        let lock = lock(dir)?;
        let (journal, contents) = Journal::open(dir)?;
        Ok(Shelf {
            journal: Mutex::new(journal),
            contents: RwLock::new(contents),
            missing_bucket,
            _lock: lock,
        })
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.contents
            .read()
            .expect("no writer of the contents panics")
    }

    /// Whether requests to this bucket are served.
    pub(crate) fn serves(&self, bucket: &str) -> bool {
        self.missing_bucket == MissingBucket::MadeOnFirstUse
            || self.read().buckets.contains_key(bucket)
    }

    /// Durable on `Ok(Done)`; on an error it may have happened. Blocks.
    pub(crate) fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        requirement: &Requirement,
    ) -> Result<Outcome, DevStoreError> {
        let object = Stored {
            etag: etag_of(&body).into(),
            body,
            modified: wall_millis(),
        };
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.change(
            requirement,
            Change::Put {
                bucket,
                key,
                object,
            },
        )
    }

    /// As [`Shelf::put`]. An absent key is done.
    pub(crate) fn delete(
        &self,
        bucket: &str,
        key: &str,
        requirement: &Requirement,
    ) -> Result<Outcome, DevStoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.change(requirement, Change::Delete { bucket, key })
    }

    /// As [`Shelf::put`]; fails its requirement when the bucket exists.
    pub(crate) fn make_bucket(&self, bucket: &str) -> Result<Outcome, DevStoreError> {
        let mut journal = self.journal();
        if self.read().buckets.contains_key(bucket) {
            return Ok(Outcome::RequirementFailed);
        }
        let change = Change::MakeBucket {
            bucket: bucket.to_owned(),
            modified: wall_millis(),
        };
        self.commit(&mut journal, change)
    }

    /// A check without a change: only a lying store asks for it.
    pub(crate) fn failure_now(
        &self,
        bucket: &str,
        key: &str,
        requirement: &Requirement,
    ) -> Option<Outcome> {
        failure_of(requirement, self.read().object(bucket, key))
    }

    fn change(&self, requirement: &Requirement, change: Change) -> Result<Outcome, DevStoreError> {
        let mut journal = self.journal();
        let (Change::Put { bucket, key, .. } | Change::Delete { bucket, key }) = &change else {
            unreachable!("buckets are made by make_bucket");
        };
        if !self.serves(bucket) {
            return Ok(Outcome::NoSuchBucket);
        }
        let present = {
            let contents = self.read();
            let current = contents.object(bucket, key);
            if let Some(failed) = failure_of(requirement, current) {
                return Ok(failed);
            }
            current.is_some()
        };
        if matches!(change, Change::Delete { .. }) && !present {
            return Ok(Outcome::Done);
        }
        self.commit(&mut journal, change)
    }

    fn commit(&self, journal: &mut Journal, change: Change) -> Result<Outcome, DevStoreError> {
        journal.append(&change)?;
        self.contents
            .write()
            .expect("no writer of the contents panics")
            .apply(change);
        Ok(Outcome::Done)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal
            .lock()
            .expect("no writer of the journal panics")
    }
}

fn failure_of(requirement: &Requirement, current: Option<&Stored>) -> Option<Outcome> {
    match (requirement, current) {
        (Requirement::Nothing, _) | (Requirement::Absent, None) => None,
        (Requirement::Absent, Some(_)) => Some(Outcome::RequirementFailed),
        (Requirement::Exists | Requirement::Matches(_), None) => Some(Outcome::NoSuchKey),
        (Requirement::Exists, Some(_)) => None,
        (Requirement::Matches(etag), Some(object)) => {
            (*etag != *object.etag).then_some(Outcome::RequirementFailed)
        }
    }
}

fn lock(dir: &Path) -> Result<File, DevStoreError> {
    let path = dir.join(LOCK_NAME);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = file.map_err(DevStoreError::disk("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DevStoreError::DirectoryInUse {
            dir: dir.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(DevStoreError::disk("lock", path)(source)),
    }
}

/// MD5 of the body in hexadecimal digits (Amazon S3: `ETag` of a single put).
pub(crate) fn etag_of(body: &[u8]) -> String {
    Md5::digest(body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the date of an object is for people only"
)]
fn wall_millis() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
