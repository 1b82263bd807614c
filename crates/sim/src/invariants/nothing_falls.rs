//! **NothingFalls**: no gap, no duplicate, no reordering, and nothing from
//! nowhere.

use super::{Life, Verdict};
use crate::machine::{Command, CommandId};
use crate::node::Shadow;
use crate::oracle::{Oracle, Outcome};
use std::collections::BTreeSet;
use understudy_log::{Batch, Record};
use understudy_types::{Lsn, Position};

/// A batch is applied behind the one before it.
pub(super) fn applied(
    life: Life,
    shard: usize,
    before: Option<Position>,
    batch: &Batch,
) -> Verdict {
    let expected = Lsn::after(before.map(|before| before.lsn));
    if batch.first_lsn() != expected {
        return Err(format!(
            "n{} applies lsn {} of s{shard}, next is {expected}",
            life.0,
            batch.first_lsn()
        ));
    }
    match before {
        Some(before) if before.hash != batch.previous() => Err(format!(
            "n{} applies lsn {expected} of s{shard}, which does not link to {before}",
            life.0
        )),
        _ => Ok(()),
    }
}

/// No log that is read shows a command whose client was told that it has no
/// place in any.
pub(super) fn accepted(oracle: &Oracle, life: Life, shard: usize, batch: &Batch) -> Verdict {
    let refused = |id: &CommandId| oracle.write(*id).outcome == Outcome::NotAccepted;
    match commands(batch).find(refused) {
        None => Ok(()),
        Some(id) => Err(format!(
            "n{} has command {id} in s{shard}, which was not accepted",
            life.0
        )),
    }
}

fn commands(batch: &Batch) -> impl Iterator<Item = CommandId> + '_ {
    batch.records().filter_map(|(_, record)| match record {
        Record::Command(bytes) => Some(Command::decode(&bytes).id),
        Record::EpochStart(_) | Record::Audit(_) => None,
    })
}

/// In the end no command has two places, and none that was refused has one.
pub(crate) fn unique_at_rest(oracle: &Oracle, shard: usize, log: &Shadow) -> Verdict {
    let mut seen = BTreeSet::new();
    for id in log.commands() {
        if !seen.insert(id) {
            return Err(format!("command {id} is twice in s{shard}"));
        }
        if oracle.write(id).outcome == Outcome::NotAccepted {
            return Err(format!("command {id} was not accepted, but is in s{shard}"));
        }
    }
    Ok(())
}

/// In the end both logs are the same.
pub(crate) fn at_rest(shard: usize, one: &Shadow, other: &Shadow) -> Verdict {
    if one.head() == other.head() {
        return Ok(());
    }
    Err(format!(
        "s{shard} ends at {:?} here and at {:?} there",
        one.head(),
        other.head()
    ))
}
