use crate::v1;
use bytes::Bytes;
use understudy_types::{ChainHash, Epoch, Lsn, Position, StateAt, StateDigest};

/// A message that a correct peer cannot have sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed {field}: {reason}")]
pub struct MalformedMessage {
    pub field: &'static str,
    pub reason: &'static str,
}

impl From<Position> for v1::Position {
    fn from(position: Position) -> Self {
        v1::Position {
            lsn: position.lsn.get(),
            hash: Bytes::copy_from_slice(position.hash.as_bytes()),
        }
    }
}

impl TryFrom<v1::Position> for Position {
    type Error = MalformedMessage;
    fn try_from(position: v1::Position) -> Result<Self, MalformedMessage> {
        let malformed = |reason| MalformedMessage {
            field: "position",
            reason,
        };
        let lsn = Lsn::new(position.lsn).ok_or(malformed("an lsn is at least 1"))?;
        let hash = <[u8; 32]>::try_from(position.hash.as_ref())
            .map_err(|_| malformed("a chain hash is 32 bytes"))?;
        Ok(Position {
            lsn,
            hash: ChainHash::from_bytes(hash),
        })
    }
}

/// The 16 bytes of a cluster or data id.
pub fn id_bytes(bytes: &[u8], field: &'static str) -> Result<[u8; 16], MalformedMessage> {
    bytes.try_into().map_err(|_| MalformedMessage {
        field,
        reason: "an identifier is 16 bytes",
    })
}

/// What a primary claims of its state; `None` when it claims nothing.
pub fn state_at(lsn: u64, digest: &[u8]) -> Result<Option<StateAt>, MalformedMessage> {
    let Some(lsn) = Lsn::new(lsn) else {
        return Ok(None);
    };
    let digest = digest.try_into().map_err(|_| MalformedMessage {
        field: "digest",
        reason: "a state's digest is 32 bytes",
    })?;
    let digest = StateDigest(digest);
    Ok(Some(StateAt { lsn, digest }))
}

/// An epoch in which batches can exist.
pub fn required_epoch(epoch: u64) -> Result<Epoch, MalformedMessage> {
    if epoch == 0 {
        return Err(MalformedMessage {
            field: "epoch",
            reason: "nobody holds the founding epoch",
        });
    }
    Ok(Epoch::new(epoch))
}
