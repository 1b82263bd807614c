//! **StateIsAFunction**: a node's state is a pure function of the log prefix
//! that it applied: equal positions, equal digests. A state whose memory a
//! fault has changed is none; then, once the node has heard its primary's
//! digest at an Lsn where its own is another, it takes no epoch.

use super::{Life, Verdict};
use crate::node::Applied;
use std::collections::{BTreeMap, BTreeSet};
use understudy_state::StateDigest;
use understudy_types::{Epoch, Lsn, StateAt};

#[derive(Debug, Default)]
pub(super) struct StateIsAFunction {
    digests: BTreeMap<(usize, Lsn, [u8; 32]), (StateDigest, usize)>,
    /// What each life has had since its state was made, by shard.
    own: BTreeMap<(Life, usize), BTreeMap<Lsn, StateDigest>>,
    /// Shards of lives that know that their state differs, and where.
    differing: BTreeMap<(Life, usize), Lsn>,
    /// Epochs that somebody is known to be taking.
    taken: BTreeSet<(Life, Epoch)>,
}

impl StateIsAFunction {
    pub(super) fn applied(&mut self, life: Life, shard: usize, applied: Applied) -> Verdict {
        let Applied {
            position,
            digest,
            flipped,
        } = applied;
        let own = self.own.entry((life, shard)).or_default();
        own.insert(position.lsn, digest);
        if flipped {
            return Ok(());
        }
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

    /// A claim about what is not applied yet may be let go, and is not counted.
    pub(super) fn claimed(&mut self, life: Life, shard: usize, claim: StateAt) {
        let own = self.own.get(&(life, shard));
        let here = own.and_then(|own| own.get(&claim.lsn));
        if here.is_some_and(|here| *here != claim.digest) {
            self.differing.entry((life, shard)).or_insert(claim.lsn);
        }
    }

    pub(super) fn made_anew(&mut self, life: Life, shard: usize) {
        self.own.remove(&(life, shard));
        self.differing.remove(&(life, shard));
    }

    /// A node that serves nobody asks the store for an epoch. An epoch that it
    /// began to take before it knew is its own to finish.
    pub(super) fn takes(&mut self, life: Life, epoch: Epoch) -> Verdict {
        if !self.taken.insert((life, epoch)) {
            return Ok(());
        }
        let mut differing = self.differing.iter();
        match differing.find(|((known, _), _)| *known == life) {
            None => Ok(()),
            Some(((_, shard), lsn)) => Err(format!(
                "n{} takes epoch {epoch}, and knows since record {lsn} of s{shard} that its state is not its primary's",
                life.0
            )),
        }
    }
}
