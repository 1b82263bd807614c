use crate::{AppendRefusal, BatchHeader};
use understudy_types::{ChainHash, ClusterId, Epoch, Lsn, Position, ShardName};

/// Where an epoch began in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochFork {
    pub epoch: Epoch,
    /// Just before the epoch's first batch; `None` when that is the first
    /// batch of all.
    pub fork: Option<Position>,
}

/// The log's chain as numbers: what the next batch must follow.
#[derive(Debug, Clone)]
pub(crate) struct History {
    genesis: ChainHash,
    head: Option<Position>,
    epochs: Vec<EpochFork>,
    bytes_total: u64,
    batches: u64,
}

impl History {
    pub(crate) fn new(cluster: ClusterId, shard: &ShardName) -> Self {
        let genesis = ChainHash::genesis(cluster, shard);
        History {
            genesis,
            head: None,
            epochs: Vec::new(),
            bytes_total: 0,
            batches: 0,
        }
    }

    /// The end of a log whose epochs and sizes do not matter.
    pub(crate) fn standing_at(
        cluster: ClusterId,
        shard: &ShardName,
        head: Option<Position>,
    ) -> Self {
        History {
            head,
            ..History::new(cluster, shard)
        }
    }

    /// May this batch come next?
    pub(crate) fn check(&self, header: &BatchHeader) -> Result<(), AppendRefusal> {
        let (expected, found) = (self.next_lsn(), header.first_lsn);
        if found != expected {
            return Err(AppendRefusal::NotContiguous { expected, found });
        }
        let (expected, found) = (self.head_hash(), header.previous);
        if found != expected {
            return Err(AppendRefusal::NotLinked { expected, found });
        }
        match self.last_epoch() {
            Some(last) if header.epoch < last => Err(AppendRefusal::OlderEpoch {
                last,
                found: header.epoch,
            }),
            _ => Ok(()),
        }
    }

    pub(crate) fn note(&mut self, header: &BatchHeader) {
        assert_eq!(
            self.check(header),
            Ok(()),
            "only a batch that was checked is noted"
        );
        if self.last_epoch() != Some(header.epoch) {
            self.epochs.push(EpochFork {
                epoch: header.epoch,
                fork: self.head,
            });
        }
        self.head = Some(header.position());
        self.bytes_total += header.batch_bytes() as u64;
        self.batches += 1;
    }

    /// Forgets everything after `keep`. The count of batches is only that of
    /// a walk and is not kept up here.
    pub(crate) fn cut(&mut self, keep: Option<Position>, bytes_total: u64) {
        let end = keep.map(|keep| keep.lsn);
        self.epochs
            .retain(|epoch| epoch.fork.map(|fork| fork.lsn) < end);
        self.head = keep;
        self.bytes_total = bytes_total;
    }

    pub(crate) fn genesis(&self) -> ChainHash {
        self.genesis
    }

    pub(crate) fn head(&self) -> Option<Position> {
        self.head
    }

    pub(crate) fn head_hash(&self) -> ChainHash {
        self.head.map_or(self.genesis, |head| head.hash)
    }

    pub(crate) fn next_lsn(&self) -> Lsn {
        Lsn::after(self.head.map(|head| head.lsn))
    }

    pub(crate) fn last_epoch(&self) -> Option<Epoch> {
        self.epochs.last().map(|last| last.epoch)
    }

    pub(crate) fn epochs(&self) -> &[EpochFork] {
        &self.epochs
    }

    pub(crate) fn end_of_epoch(&self, epoch: Epoch) -> Option<Option<Position>> {
        let later = self.epochs.iter().find(|later| later.epoch > epoch);
        later.map(|later| later.fork)
    }

    pub(crate) fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    /// Of the walk that made this history.
    pub(crate) fn batches(&self) -> u64 {
        self.batches
    }
}
