//! Back into an object store: everything that the stand-in holds, the lease
//! last.

use super::{ADOPTED, DIRECTORY, open, rename};
use crate::driver::{ACTIVATION_KEY, LEASE_KEY};
use bytes::Bytes;
use std::io;
use std::path::Path;
use understudy_protocol::{Lease, LeaseError, LeaseState, adopted_lease};
use understudy_store::{Condition, ETag, Fetched, ObjectStore, PutAnswer, StoreError};
use understudy_types::{DataId, Epoch, Nonce};

/// What was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    pub epoch: Epoch,
    /// Objects beside the lease.
    pub objects: usize,
}

/// Why nothing is in force in the new store; the stand-in still is.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    #[error("the stand-in cannot be read: {0}")]
    Disk(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the stand-in's lease: {0}")]
    Lease(#[from] LeaseError),
    #[error("there is no stand-in here whose lease this node holds")]
    NothingToAdopt,
    #[error("the store has a lease already: epoch {epoch}, held by {holder}")]
    Occupied { epoch: Epoch, holder: String },
    #[error("{key} exists in the store, with other content")]
    InTheWay { key: String },
    #[error("another writer changed {key} at the same moment")]
    Raced { key: String },
}

/// Moves the stand-in of a stopped node into `target`, then puts it out of
/// force. Durable on `Ok`. Asked again after an error or a crash it goes on
/// where it was: nothing is written twice with other content, and the lease
/// comes last.
pub async fn adopt(
    data: &Path,
    me: DataId,
    target: &dyn ObjectStore,
    nonce: Nonce,
) -> Result<Adopted, AdoptError> {
    let own = open(data)?;
    let Some((_, body)) = read(&own, LEASE_KEY).await? else {
        return Err(AdoptError::NothingToAdopt);
    };
    let lease = Lease::decode(&body)?;
    let holder = lease.holder.as_ref().map(|holder| holder.data_id);
    let place = place_for(target, &lease, me).await?;
    let over = match &place {
        Place::Over(_, fence) => Some(&**fence),
        Place::Empty | Place::Taken => None,
    };
    let adopted = adopted_lease(&lease, over, nonce)
        .filter(|lease| holder == Some(me) && lease.state != LeaseState::Claimed)
        .ok_or(AdoptError::NothingToAdopt)?;
    let mut objects = 0;
    for listed in own.list("", None).await? {
        if [LEASE_KEY, ACTIVATION_KEY].contains(&listed.key.as_str()) {
            continue;
        }
        if let Some((_, body)) = read(&own, &listed.key).await? {
            copy(target, &listed.key, body).await?;
            objects += 1;
        }
    }
    let condition = match place {
        Place::Empty => Some(Condition::Absent),
        Place::Over(etag, _) => Some(Condition::Matches(etag)),
        Place::Taken => None,
    };
    if let Some(condition) = condition {
        let body = Bytes::from(adopted.encode());
        match target.put(LEASE_KEY, body, condition).await {
            Ok(PutAnswer::Applied(_)) => {}
            Ok(PutAnswer::Refused | PutAnswer::Conflict) => return Err(raced(LEASE_KEY)),
            Err(error) => match read(target, LEASE_KEY).await? {
                Some((_, body)) if Lease::decode(&body)?.nonce == nonce => {}
                _ => return Err(error.into()),
            },
        }
    }
    // Kept: another adoption, after another loss, has another epoch.
    let kept = format!("{ADOPTED}-{}", adopted.epoch);
    rename(data, DIRECTORY, &kept)?;
    Ok(Adopted {
        epoch: adopted.epoch,
        objects,
    })
}

enum Place {
    Empty,
    /// This data root's own fence.
    Over(ETag, Box<Lease>),
    /// An earlier attempt got as far as the lease.
    Taken,
}

/// Only an empty place, or one that this data root itself has fenced.
async fn place_for(target: &dyn ObjectStore, own: &Lease, me: DataId) -> Result<Place, AdoptError> {
    let Some((etag, body)) = read(target, LEASE_KEY).await? else {
        return Ok(Place::Empty);
    };
    let found = Lease::decode(&body)?;
    let holder = found.holder.as_ref().map(|holder| holder.data_id);
    let mine = holder == Some(me) && found.cluster == own.cluster;
    if mine && found.state == LeaseState::Claimed {
        return Ok(Place::Over(etag, Box::new(found)));
    }
    if mine && found.epoch >= own.epoch && found.state == own.state {
        return Ok(Place::Taken);
    }
    Err(AdoptError::Occupied {
        epoch: found.epoch,
        holder: found.holder_name().to_owned(),
    })
}

async fn copy(target: &dyn ObjectStore, key: &str, body: Bytes) -> Result<(), AdoptError> {
    match target.put(key, body.clone(), Condition::Absent).await {
        Ok(PutAnswer::Applied(_)) => return Ok(()),
        Ok(PutAnswer::Refused | PutAnswer::Conflict) => {}
        Err(error) if !error.may_have_happened() => return Err(error.into()),
        Err(_) => {}
    }
    match read(target, key).await? {
        Some((_, found)) if found == body => Ok(()),
        Some(_) => Err(AdoptError::InTheWay {
            key: key.to_owned(),
        }),
        None => Err(raced(key)),
    }
}

fn raced(key: &str) -> AdoptError {
    AdoptError::Raced {
        key: key.to_owned(),
    }
}

async fn read(store: &dyn ObjectStore, key: &str) -> Result<Option<(ETag, Bytes)>, StoreError> {
    Ok(match store.get(key, None).await? {
        Fetched::Found(object) => Some((object.etag, object.body)),
        Fetched::Absent | Fetched::NotModified => None,
    })
}
