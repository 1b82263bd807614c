//! What can be refused without looking at the state. The door asks, so that a
//! senseless request takes no place in the log; apply asks again.

mod overlap;

use crate::command::Command;
use crate::error::KvError;
use crate::request::{
    Compare, CompareTarget, DeleteRangeRequest, LeaseGrantRequest, Operation, PutRequest,
    RangeRequest, Txn,
};

/// Comparisons, or operations in one branch, of a txn. What a txn uses of it
/// is taken from what a nested one may use.
pub const MOST_TXN_OPERATIONS: usize = 128;
/// All keys and values of one request together.
pub const LARGEST_REQUEST_BYTES: usize = 3 * 512 * 1024;
pub const LARGEST_LEASE_TTL_SECONDS: i64 = 9_000_000_000;
/// Each level costs at least one operation, so a valid txn is never deeper.
pub(crate) const DEEPEST_TXN: usize = MOST_TXN_OPERATIONS + 1;

/// Refuses what no state can make sensible.
pub fn validate(command: &Command) -> Result<(), KvError> {
    match command {
        Command::Put(request) => {
            check_size(put_bytes(request))?;
            check_put(request)
        }
        Command::DeleteRange(request) => {
            check_size(request.key.len() + request.range_end.len())?;
            check_delete(request)
        }
        Command::Txn(txn) => check_whole_txn(txn),
        Command::LeaseGrant(request) => check_grant(request),
        Command::Compact(_) | Command::LeaseRevoke(_) => Ok(()),
    }
}

fn check_size(bytes: usize) -> Result<(), KvError> {
    if bytes > LARGEST_REQUEST_BYTES {
        Err(KvError::RequestTooLarge)
    } else {
        Ok(())
    }
}

fn check_key(key: &[u8]) -> Result<(), KvError> {
    if key.is_empty() {
        Err(KvError::KeyNotProvided)
    } else {
        Ok(())
    }
}

pub(crate) fn check_range(request: &RangeRequest) -> Result<(), KvError> {
    check_key(&request.key)
}

fn check_put(request: &PutRequest) -> Result<(), KvError> {
    check_key(&request.key)?;
    if request.ignore_value && !request.value.is_empty() {
        return Err(KvError::ValueProvided);
    }
    if request.ignore_lease && request.lease != 0 {
        return Err(KvError::LeaseProvided);
    }
    Ok(())
}

fn check_delete(request: &DeleteRangeRequest) -> Result<(), KvError> {
    check_key(&request.key)
}

fn check_grant(request: &LeaseGrantRequest) -> Result<(), KvError> {
    if request.ttl_seconds > LARGEST_LEASE_TTL_SECONDS {
        return Err(KvError::LeaseTtlTooLarge);
    }
    Ok(())
}

fn check_txn(txn: &Txn, most_operations: usize) -> Result<(), KvError> {
    let operations = txn
        .compare
        .len()
        .max(txn.success.len())
        .max(txn.failure.len());
    let left = most_operations
        .checked_sub(operations)
        .ok_or(KvError::TooManyOps)?;
    txn.compare
        .iter()
        .try_for_each(|compare| check_key(&compare.key))?;
    txn.success
        .iter()
        .chain(&txn.failure)
        .try_for_each(|operation| match operation {
            Operation::Range(request) => check_range(request),
            Operation::Put(request) => check_put(request),
            Operation::DeleteRange(request) => check_delete(request),
            Operation::Txn(nested) => check_txn(nested, left),
        })
}

fn put_bytes(request: &PutRequest) -> usize {
    request.key.len() + request.value.len()
}

fn txn_bytes(txn: &Txn) -> usize {
    let compares: usize = txn.compare.iter().map(compare_bytes).sum();
    let operations = txn
        .success
        .iter()
        .chain(&txn.failure)
        .map(|operation| match operation {
            Operation::Range(request) => request.key.len() + request.range_end.len(),
            Operation::Put(request) => put_bytes(request),
            Operation::DeleteRange(request) => request.key.len() + request.range_end.len(),
            Operation::Txn(nested) => txn_bytes(nested),
        });
    compares + operations.sum::<usize>()
}

fn compare_bytes(compare: &Compare) -> usize {
    let value = match &compare.target {
        CompareTarget::Value(value) => value.len(),
        _ => 0,
    };
    compare.key.len() + compare.range_end.len() + value
}

pub(crate) fn check_whole_txn(txn: &Txn) -> Result<(), KvError> {
    check_txn(txn, MOST_TXN_OPERATIONS)?;
    check_size(txn_bytes(txn))?;
    overlap::check_overlaps(txn)
}
