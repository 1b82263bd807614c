//! A txn and its nested ones as a list.
//!
//! A tree that is read by recursion lets hostile bytes choose how deep the
//! stack goes. As a list the depth is data, and is checked before a tree is
//! built. The outermost txn is first; a nested one stands behind the txn that
//! holds it and is named once, by its place in the list.

use crate::request::{Compare, DeleteRangeRequest, Operation, PutRequest, RangeRequest, Txn};
use crate::validate::DEEPEST_TXN;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct FlatTxn {
    compare: Vec<Compare>,
    success: Vec<FlatOperation>,
    failure: Vec<FlatOperation>,
}

#[derive(Serialize, Deserialize)]
enum FlatOperation {
    Range(RangeRequest),
    Put(PutRequest),
    DeleteRange(DeleteRangeRequest),
    Txn(u32),
}

pub(super) fn flatten(txn: &Txn) -> Vec<FlatTxn> {
    let mut pending = vec![txn];
    let mut flat = Vec::new();
    while let Some(txn) = pending.get(flat.len()).copied() {
        let success = flatten_branch(&txn.success, &mut pending);
        let failure = flatten_branch(&txn.failure, &mut pending);
        flat.push(FlatTxn {
            compare: txn.compare.clone(),
            success,
            failure,
        });
    }
    flat
}

fn flatten_branch<'a>(branch: &'a [Operation], pending: &mut Vec<&'a Txn>) -> Vec<FlatOperation> {
    let flatten_one = |operation: &'a Operation| match operation {
        Operation::Range(request) => FlatOperation::Range(request.clone()),
        Operation::Put(request) => FlatOperation::Put(request.clone()),
        Operation::DeleteRange(request) => FlatOperation::DeleteRange(request.clone()),
        Operation::Txn(txn) => {
            pending.push(txn);
            FlatOperation::Txn(u32::try_from(pending.len() - 1).expect("a txn fits in memory"))
        }
    };
    branch.iter().map(flatten_one).collect()
}

/// `None` when the list is no tree, or one that is too deep.
pub(super) fn unflatten(flat: Vec<FlatTxn>) -> Option<Txn> {
    if !is_tree(&flat) {
        return None;
    }
    // From the back, so that a nested txn is ready before the one holding it.
    let mut ready: Vec<Option<Txn>> = flat.iter().map(|_| None).collect();
    for (place, txn) in flat.into_iter().enumerate().rev() {
        let success = unflatten_branch(txn.success, &mut ready)?;
        let failure = unflatten_branch(txn.failure, &mut ready)?;
        ready[place] = Some(Txn {
            compare: txn.compare,
            success,
            failure,
        });
    }
    ready.into_iter().next().flatten()
}

fn unflatten_branch(
    branch: Vec<FlatOperation>,
    ready: &mut [Option<Txn>],
) -> Option<Vec<Operation>> {
    let unflatten_one = |operation| {
        Some(match operation {
            FlatOperation::Range(request) => Operation::Range(request),
            FlatOperation::Put(request) => Operation::Put(request),
            FlatOperation::DeleteRange(request) => Operation::DeleteRange(request),
            FlatOperation::Txn(place) => Operation::Txn(ready.get_mut(place as usize)?.take()?),
        })
    };
    branch.into_iter().map(unflatten_one).collect()
}

/// Every txn but the first is named exactly once, by one before it.
fn is_tree(flat: &[FlatTxn]) -> bool {
    let mut depths: Vec<Option<usize>> = flat.iter().map(|_| None).collect();
    let Some(outermost) = depths.first_mut() else {
        return false;
    };
    *outermost = Some(1);
    for (place, txn) in flat.iter().enumerate() {
        let Some(depth) = depths[place] else {
            return false;
        };
        if depth > DEEPEST_TXN {
            return false;
        }
        for operation in txn.success.iter().chain(&txn.failure) {
            let FlatOperation::Txn(nested) = operation else {
                continue;
            };
            match depths.get_mut(*nested as usize) {
                Some(unnamed @ None) => *unnamed = Some(depth + 1),
                _ => return false,
            }
        }
    }
    true
}
