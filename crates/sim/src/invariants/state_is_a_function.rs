//! **StateIsAFunction**: a node's state is a pure function of the log prefix
//! that it applied: equal positions, equal digests.

use super::{Life, Verdict};
use crate::node::Applied;
use std::collections::BTreeMap;
use understudy_state::StateDigest;
use understudy_types::Lsn;

#[derive(Debug, Default)]
pub(super) struct StateIsAFunction {
    digests: BTreeMap<(usize, Lsn, [u8; 32]), (StateDigest, usize)>,
}

impl StateIsAFunction {
    pub(super) fn applied(&mut self, life: Life, shard: usize, applied: Applied) -> Verdict {
        let Applied { position, digest } = applied;
        let key = (shard, position.lsn, *position.hash.as_bytes());
        let (known, by) = *self.digests.entry(key).or_insert((digest, life.0));
        if known == digest {
            return Ok(());
        }
        Err(format!(
            "at {position} of s{shard} n{} has another state than n{by}",
            life.0
        ))
    }
}
