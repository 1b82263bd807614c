//! The store that stands in for one that is lost for good: a directory of the
//! data root, made by `understudy failover --without-store`, used from the
//! moment it is there until `understudy store adopt` has moved it into an
//! object store again.
//!
//! What it holds decides who writes, so it is made as a whole or not at all:
//! prepared under another name, and renamed. The data root's lock keeps it to
//! one process; the command that makes it only adds what is not there.

mod adopt;
mod former;
mod last_seen;

pub use adopt::{AdoptError, Adopted, adopt};
pub(crate) use former::{FormerStore, Looked};
pub(crate) use last_seen::LastSeen;

use crate::driver::{ACTIVATION_KEY, LEASE_KEY};
use bytes::Bytes;
use std::io;
use std::path::{Path, PathBuf};
use understudy_log::{Disk, OsDisk, read_optional};
use understudy_protocol::{ActivationRequest, Lease, WithoutStore};
use understudy_store::{Condition, ETag, Fetched, LocalStore, ObjectStore, StoreError};

pub(crate) const DIRECTORY: &str = "stand-in";
const PREPARED: &str = "stand-in.new";
const REFUSED: &str = "stand-in.refused";
const ADOPTED: &str = "stand-in.adopted";

/// Whether this data root's lease stands in no object store.
pub fn is_there(data: &Path) -> bool {
    data.join(DIRECTORY).is_dir()
}

/// The stand-in of this data root. Blocks.
pub fn open(data: &Path) -> io::Result<LocalStore> {
    LocalStore::open(&data.join(DIRECTORY))
}

/// The lease as this node last saw it in its object store; `None` when it
/// never saw one. Blocks.
pub fn last_seen(data: &Path) -> Result<Option<Lease>, String> {
    let body = read_optional(&OsDisk::new(data), last_seen::FILE).map_err(|e| e.to_string())?;
    let lease = body.map(|body| Lease::decode(&body).map_err(|error| error.to_string()));
    lease.transpose()
}

#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error("the stand-in cannot be made in {path}: {source}")]
    Disk { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the stand-in, with the request that it is made for. Durable on
/// return; on an error nothing is in force.
pub async fn make(
    data: &Path,
    lease: &Lease,
    request: &ActivationRequest,
) -> Result<(), PrepareError> {
    let disk = |path: &Path| {
        let path = path.to_owned();
        move |source| PrepareError::Disk { path, source }
    };
    let prepared = data.join(PREPARED);
    // What an attempt left that did not get as far as the renaming.
    match std::fs::remove_dir_all(&prepared) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(disk(&prepared)(error));
        }
        _ => {}
    }
    let store = LocalStore::open(&prepared).map_err(disk(&prepared))?;
    let objects = [
        (LEASE_KEY, lease.encode()),
        (ACTIVATION_KEY, request.encode()),
    ];
    for (key, body) in objects {
        store.put(key, Bytes::from(body), Condition::Absent).await?;
    }
    rename(data, PREPARED, DIRECTORY).map_err(disk(&data.join(DIRECTORY)))
}

/// Opens the stand-in for use in the object store's place. Blocks.
pub(crate) fn take(data: &Path) -> io::Result<LocalStore> {
    let own = open(data)?;
    tracing::error!(
        "the object store is given up: this node's lease is kept on its own disk until `understudy store adopt`"
    );
    Ok(own)
}

/// Whether the stand-in gives way to the object store, which has a lease after
/// all, while nobody has taken an epoch in the stand-in yet. On `true` it is
/// out of force.
pub(crate) async fn gives_way_to(data: &Path, store: &dyn ObjectStore) -> bool {
    let Ok(own) = open(data) else { return false };
    let own = lease_in(&own).await;
    let is_untaken = own.is_some_and(|(_, lease)| lease.holder.is_none());
    // Also one that cannot be read: somebody of this cluster may hold it.
    let answers = is_untaken && matches!(store.get(LEASE_KEY, None).await, Ok(Fetched::Found(_)));
    if answers && let Err(error) = refuse(data) {
        tracing::error!(%error, "the stand-in could not be put out of force: see to the data root's disk");
    }
    answers
}

/// Puts the stand-in out of force: the object store answers. Durable on
/// return; blocks.
pub(crate) fn refuse(data: &Path) -> io::Result<()> {
    tracing::error!(
        "E320: the object store answers, and is not given up: use `understudy failover` without --without-store"
    );
    let refused = data.join(REFUSED);
    match std::fs::remove_dir_all(&refused) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    rename(data, DIRECTORY, REFUSED)
}

/// Who gave the store up, and why.
pub(crate) async fn mark(own: &LocalStore) -> Option<WithoutStore> {
    lease_in(own).await?.1.without_store
}

/// `None` without one that can be read.
async fn lease_in(store: &dyn ObjectStore) -> Option<(ETag, Lease)> {
    match store.get(LEASE_KEY, None).await.ok()? {
        Fetched::Found(object) => Some((object.etag, Lease::decode(&object.body).ok()?)),
        Fetched::Absent | Fetched::NotModified => None,
    }
}

fn rename(data: &Path, from: &str, to: &str) -> io::Result<()> {
    let disk = OsDisk::new(data);
    let renamed = disk.rename(from, to).and_then(|()| disk.sync_dir(""));
    renamed.map_err(io::Error::other)
}
