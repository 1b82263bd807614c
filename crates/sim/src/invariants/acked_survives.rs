//! **AckedSurvives**: an acknowledged write is in the log of every primary
//! whose promotion does not say that something may be lost; and what readers
//! were shown, on any node, is in it too.

use super::Verdict;
use crate::machine::CommandId;
use crate::node::Shadow;
use crate::oracle::{Oracle, Outcome};
use std::collections::BTreeMap;
use understudy_types::{Epoch, Position};

#[derive(Debug, Default)]
pub(super) struct AckedSurvives {
    /// The furthest that each node has shown of each shard.
    shown: BTreeMap<(usize, usize), Position>,
    /// The last promotion that lost something, and the log it began with.
    lossy: BTreeMap<usize, (Epoch, Shadow)>,
}

impl AckedSurvives {
    pub(super) fn shown(&mut self, node: usize, shard: usize, position: Position, epoch: Epoch) {
        // What is still shown of an epoch that was given up is lost with it.
        if let Some((lossy, log)) = self.lossy.get(&shard)
            && epoch < *lossy
            && !log.contains(position)
        {
            return;
        }
        let furthest = self.shown.entry((shard, node)).or_insert(position);
        if position.lsn > furthest.lsn {
            *furthest = position;
        }
    }

    pub(super) fn forget(&mut self, shard: usize, epoch: Epoch, log: &Shadow) {
        self.shown
            .retain(|(of, _), position| *of != shard || log.contains(*position));
        self.lossy.insert(shard, (epoch, log.clone()));
    }

    pub(super) fn opened(
        &self,
        epoch: Epoch,
        shard: usize,
        log: &Shadow,
        missing: &[CommandId],
    ) -> Verdict {
        if let Some(id) = missing.first() {
            return Err(format!(
                "epoch {epoch} opens s{shard} without loss, but {} acknowledged writes are missing, first command {id}",
                missing.len()
            ));
        }
        let gone = self
            .shown
            .iter()
            .find(|((of, _), position)| *of == shard && !log.contains(**position));
        match gone {
            Some(((_, node), position)) => Err(format!(
                "epoch {epoch} opens s{shard} without loss, but {position}, which n{node} has shown, is not in it"
            )),
            None => Ok(()),
        }
    }
}

/// The acknowledged writes that a log does not hold where they were.
pub(super) fn missing(oracle: &Oracle, shard: usize, log: &Shadow) -> Vec<CommandId> {
    let is_missing = |id: &&CommandId| match oracle.write(**id).outcome {
        Outcome::Acknowledged { lsn, .. } => log.command_at(lsn) != Some(**id),
        _ => false,
    };
    oracle
        .acknowledged(shard)
        .iter()
        .filter(is_missing)
        .copied()
        .collect()
}

pub(super) fn at_rest(shard: usize, missing: &[CommandId]) -> Verdict {
    match missing.first() {
        None => Ok(()),
        Some(id) => Err(format!(
            "{} acknowledged writes of s{shard} are gone in the end, first command {id}",
            missing.len()
        )),
    }
}
