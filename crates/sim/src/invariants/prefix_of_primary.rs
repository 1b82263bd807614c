//! **PrefixOfPrimary**: a standby's log is a prefix of the flushed log of the
//! primary that it follows; only flushed batches are sent.

use super::{Life, Verdict};
use std::collections::BTreeSet;
use understudy_types::{ChainHash, Lsn, Position};

#[derive(Debug, Default)]
pub(super) struct PrefixOfPrimary {
    flushed: BTreeSet<(usize, Lsn, ChainHashOrder)>,
}

type ChainHashOrder = [u8; 32];

fn order(hash: &ChainHash) -> ChainHashOrder {
    *hash.as_bytes()
}

impl PrefixOfPrimary {
    pub(super) fn flushed(&mut self, shard: usize, position: Position) {
        self.flushed
            .insert((shard, position.lsn, order(&position.hash)));
    }

    pub(super) fn taken(&self, life: Life, shard: usize, position: Position) -> Verdict {
        if self
            .flushed
            .contains(&(shard, position.lsn, order(&position.hash)))
        {
            return Ok(());
        }
        Err(format!(
            "n{} took {position} of s{shard}, which no primary has flushed",
            life.0
        ))
    }
}
