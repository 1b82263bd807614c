//! **EpochsGrow**: the epoch in the lease never decreases and is never
//! reused; a node persists an epoch before it stores the first batch of it;
//! no (epoch, lsn) is given twice.

use super::{Life, Verdict};
use crate::scenario::Scenario;
use std::collections::BTreeMap;
use understudy_log::Batch;
use understudy_protocol::Lease;
use understudy_types::{ChainHash, Epoch, Lsn, Position};

#[derive(Debug, Default)]
pub(super) struct EpochsGrow {
    places: BTreeMap<(usize, Epoch, Lsn), ChainHash>,
}

impl EpochsGrow {
    pub(super) fn lease_written(&self, before: &Lease, after: &Lease) -> Verdict {
        if after.epoch < before.epoch {
            return Err(format!(
                "the lease went from epoch {} to {}",
                before.epoch, after.epoch
            ));
        }
        let incarnation = |lease: &Lease| lease.holder.as_ref().map(|holder| holder.incarnation);
        if after.epoch == before.epoch && incarnation(before) != incarnation(after) {
            return Err(format!("epoch {} changed hands", after.epoch));
        }
        let ordered = after
            .history
            .windows(2)
            .all(|pair| pair[0].epoch < pair[1].epoch);
        if !ordered {
            return Err(format!(
                "the history in epoch {} is not ascending",
                after.epoch
            ));
        }
        Ok(())
    }

    pub(super) fn placed(&mut self, life: Life, shard: usize, batch: &Batch) -> Verdict {
        let place = (shard, batch.epoch(), batch.first_lsn());
        let hash = batch.position().hash;
        match self.places.insert(place, hash) {
            Some(former) if former != hash => Err(format!(
                "n{} gave epoch {} lsn {} of s{shard} to another batch than before",
                life.0,
                batch.epoch(),
                batch.first_lsn()
            )),
            _ => Ok(()),
        }
    }
}

/// An epoch begins where the lease says that it forked.
pub(super) fn forks_as_recorded(
    lease: Option<&Lease>,
    epoch: Epoch,
    shard: usize,
    head: Option<Position>,
) -> Verdict {
    let record = lease.and_then(|lease| lease.history.iter().find(|record| record.epoch == epoch));
    let Some(record) = record else { return Ok(()) };
    let fork = record
        .forks
        .get(&Scenario::shard_name(shard))
        .copied()
        .flatten();
    if fork == head {
        return Ok(());
    }
    Err(format!(
        "epoch {epoch} of s{shard} forked at {fork:?} by the lease, and at {head:?} in the log"
    ))
}

pub(super) fn stored(life: Life, epoch: Epoch, promised: Option<Epoch>) -> Verdict {
    match promised {
        Some(promised) if promised >= epoch => Ok(()),
        _ => Err(format!(
            "n{} stores epoch {epoch} with the durable promise {promised:?}",
            life.0
        )),
    }
}

pub(super) fn fenced(life: Life, stream: Epoch, promised: Option<Epoch>) -> Verdict {
    match promised {
        Some(promised) if promised > stream => Err(format!(
            "n{} takes from epoch {stream} after it promised {promised}",
            life.0
        )),
        _ => Ok(()),
    }
}
