//! No key may be changed twice in one revision: refuses a txn in which two
//! puts, or a put and a deletion, can meet. The two branches of a nested txn
//! may touch the same keys, for only one of them runs.

use crate::error::KvError;
use crate::key_range::KeyRange;
use crate::request::{Operation, Txn};
use std::collections::BTreeSet;

/// What a branch may change, nested txns included.
#[derive(Default)]
struct Writes<'a> {
    puts: BTreeSet<&'a [u8]>,
    deletions: Vec<KeyRange>,
}

pub(super) fn check_overlaps(txn: &Txn) -> Result<(), KvError> {
    writes_of_either(txn).map(drop)
}

fn writes_of_either(txn: &Txn) -> Result<Writes<'_>, KvError> {
    let mut success = writes_of_branch(&txn.success)?;
    let mut failure = writes_of_branch(&txn.failure)?;
    success.puts.append(&mut failure.puts);
    success.deletions.append(&mut failure.deletions);
    Ok(success)
}

fn writes_of_branch(branch: &[Operation]) -> Result<Writes<'_>, KvError> {
    let mut all = Writes::default();
    for operation in branch {
        let writes = match operation {
            Operation::Range(_) => continue,
            Operation::Put(request) => Writes {
                puts: BTreeSet::from([&request.key[..]]),
                ..Writes::default()
            },
            Operation::DeleteRange(request) => Writes {
                deletions: vec![KeyRange::new(
                    request.key.clone(),
                    request.range_end.clone(),
                )],
                ..Writes::default()
            },
            Operation::Txn(nested) => writes_of_either(nested)?,
        };
        if all.meets(&writes) {
            return Err(KvError::DuplicateKey);
        }
        all.puts.extend(writes.puts);
        all.deletions.extend(writes.deletions);
    }
    Ok(all)
}

impl Writes<'_> {
    /// Two deletions may meet: the second one finds nothing.
    fn meets(&self, other: &Self) -> bool {
        other.puts.iter().any(|key| self.puts.contains(key))
            || other
                .deletions
                .iter()
                .any(|range| range_meets(range, &self.puts))
            || self
                .deletions
                .iter()
                .any(|range| range_meets(range, &other.puts))
    }
}

fn range_meets(range: &KeyRange, puts: &BTreeSet<&[u8]>) -> bool {
    !range.is_empty() && puts.range::<[u8], _>(range.bounds()).next().is_some()
}
