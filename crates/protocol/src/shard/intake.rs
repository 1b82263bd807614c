//! What a standby takes from the stream, and what it refuses.

use understudy_types::{ChainHash, Epoch, Lsn, Position};

/// A batch as its verified header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    pub epoch: Epoch,
    pub first_lsn: Lsn,
    pub previous: ChainHash,
    pub position: Position,
}

/// Why a batch is not taken. Each is distinct in code and in the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchRefusal {
    #[error("batch of epoch {found}, but epoch {promised} is promised")]
    OlderEpoch { found: Epoch, promised: Epoch },
    #[error("batch of epoch {found} on a stream of epoch {stream}")]
    NewerThanStream { found: Epoch, stream: Epoch },
    #[error("epoch goes back inside the log: {found} after {last}")]
    EpochWentBack { found: Epoch, last: Epoch },
    #[error("gap: expected lsn {expected}, found {found}")]
    Gap { expected: Lsn, found: Lsn },
    #[error("the batch does not link to this log's chain at lsn {at}")]
    ChainBroken { at: Lsn },
}

/// The standby's end of one shard's stream: contiguous, linked, and never of
/// an epoch older than promised.
#[derive(Clone, Debug)]
pub struct Intake {
    stream_epoch: Epoch,
    last_epoch: Epoch,
    head: Option<Position>,
    head_hash: ChainHash,
}

impl Intake {
    /// `head_hash` is the genesis when the log is empty.
    pub fn new(
        stream_epoch: Epoch,
        last_epoch: Option<Epoch>,
        head: Option<Position>,
        head_hash: ChainHash,
    ) -> Self {
        Intake {
            stream_epoch,
            last_epoch: last_epoch.unwrap_or_default(),
            head,
            head_hash,
        }
    }

    /// Takes a batch whose bytes were verified: afterwards it is the log's
    /// next batch, and the caller must store it or stop.
    ///
    /// `fence` is the oldest epoch whose batches may still be taken: the
    /// promised epoch, or while a promotion drains, the epoch it drains.
    pub fn take(&mut self, offered: Offered, fence: Epoch) -> Result<(), BatchRefusal> {
        if offered.epoch > self.stream_epoch {
            return Err(BatchRefusal::NewerThanStream {
                found: offered.epoch,
                stream: self.stream_epoch,
            });
        }
        // A stream of a promised epoch also carries that log's older batches:
        // what fences is the stream's own epoch.
        if self.stream_epoch < fence {
            return Err(BatchRefusal::OlderEpoch {
                found: self.stream_epoch,
                promised: fence,
            });
        }
        if offered.epoch < self.last_epoch {
            return Err(BatchRefusal::EpochWentBack {
                found: offered.epoch,
                last: self.last_epoch,
            });
        }
        let expected = Lsn::after(self.head.map(|head| head.lsn));
        if offered.first_lsn != expected {
            return Err(BatchRefusal::Gap {
                expected,
                found: offered.first_lsn,
            });
        }
        if offered.previous != self.head_hash {
            return Err(BatchRefusal::ChainBroken { at: expected });
        }
        self.last_epoch = offered.epoch;
        self.head = Some(offered.position);
        self.head_hash = offered.position.hash;
        Ok(())
    }
}
