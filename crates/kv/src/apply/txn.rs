//! Transactions: first every comparison and check on the state as it is, then
//! the operations, none of which can fail any more.

use super::writer::Writer;
use crate::error::KvError;
use crate::key_range::KeyRange;
use crate::range::read_range;
use crate::request::{Compare, CompareResult, CompareTarget, Operation, Txn};
use crate::response::{OperationResponse, TxnResponse};
use crate::state::KvState;
use crate::store::{At, Version};
use crate::validate::check_whole_txn;
use std::cmp::Ordering;

/// The branches to take: the outermost txn's, then those of the nested txns
/// that run, in the order in which they run.
type Branches = std::vec::IntoIter<Branch>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Branch {
    Success,
    Failure,
}

impl KvState {
    pub(crate) fn apply_txn(&mut self, txn: Txn) -> Result<TxnResponse, KvError> {
        let mut branches = self.plan(&txn)?;
        let mut writer = Writer::new(self);
        let mut response = execute(&mut writer, txn, &mut branches);
        response.revision = writer.revision();
        writer.finish();
        Ok(response)
    }

    /// Answers a txn that only reads, without the log.
    ///
    /// # Panics
    /// When a branch could write: see [`Txn::is_read_only`].
    pub fn read_txn(&self, txn: &Txn) -> Result<TxnResponse, KvError> {
        assert!(txn.is_read_only(), "a txn that writes goes through the log");
        check_whole_txn(txn)?;
        let mut branches = self.plan(txn)?;
        Ok(self.read_branch(txn, &mut branches))
    }

    fn read_branch(&self, txn: &Txn, branches: &mut Branches) -> TxnResponse {
        let branch = next_branch(branches);
        let responses = operations(txn, branch)
            .iter()
            .filter_map(|operation| match operation {
                Operation::Range(request) => {
                    Some(OperationResponse::Range(read_range(self, request)))
                }
                Operation::Txn(nested) => {
                    Some(OperationResponse::Txn(self.read_branch(nested, branches)))
                }
                Operation::Put(_) | Operation::DeleteRange(_) => None,
            });
        let responses = responses.collect();
        TxnResponse {
            revision: self.revision,
            succeeded: branch == Branch::Success,
            responses,
        }
    }

    fn plan(&self, txn: &Txn) -> Result<Branches, KvError> {
        let mut branches = Vec::new();
        self.plan_into(txn, &mut branches)?;
        Ok(branches.into_iter())
    }

    fn plan_into(&self, txn: &Txn, branches: &mut Vec<Branch>) -> Result<(), KvError> {
        let holds = txn
            .compare
            .iter()
            .all(|compare| self.compare_holds(compare));
        let branch = if holds {
            Branch::Success
        } else {
            Branch::Failure
        };
        branches.push(branch);
        operations(txn, branch)
            .iter()
            .try_for_each(|operation| match operation {
                Operation::Range(request) if request.revision > 0 => {
                    self.check_readable(request.revision)
                }
                Operation::Range(_) | Operation::DeleteRange(_) => Ok(()),
                Operation::Put(request) => self.check_put(request),
                Operation::Txn(nested) => self.plan_into(nested, branches),
            })
    }

    fn compare_holds(&self, compare: &Compare) -> bool {
        let range = KeyRange::new(compare.key.clone(), compare.range_end.clone());
        let mut visible = self.store.visible_in(&range, At::Newest).peekable();
        if visible.peek().is_none() {
            return compare_one(compare, None);
        }
        visible.all(|(_, version)| compare_one(compare, Some(version)))
    }
}

fn compare_one(compare: &Compare, version: Option<&Version>) -> bool {
    let number = |of: fn(&Version) -> i64, target: &i64| version.map_or(0, of).cmp(target);
    let ordering = match (&compare.target, version) {
        (CompareTarget::Version(target), _) => number(|version| version.number, target),
        (CompareTarget::CreateRevision(target), _) => {
            number(|version| version.create_revision, target)
        }
        (CompareTarget::ModRevision(target), _) => number(|version| version.mod_revision, target),
        (CompareTarget::Lease(target), _) => number(|version| version.lease, target),
        (CompareTarget::Value(target), Some(version)) => version.value.cmp(target),
        (CompareTarget::Value(_), None) => return false,
    };
    match compare.result {
        CompareResult::Equal => ordering == Ordering::Equal,
        CompareResult::Greater => ordering == Ordering::Greater,
        CompareResult::Less => ordering == Ordering::Less,
        CompareResult::NotEqual => ordering != Ordering::Equal,
    }
}

fn operations(txn: &Txn, branch: Branch) -> &[Operation] {
    match branch {
        Branch::Success => &txn.success,
        Branch::Failure => &txn.failure,
    }
}

fn next_branch(branches: &mut Branches) -> Branch {
    branches
        .next()
        .expect("the plan has a branch for each txn that runs")
}

fn execute(writer: &mut Writer<'_>, txn: Txn, branches: &mut Branches) -> TxnResponse {
    let branch = next_branch(branches);
    let operations = match branch {
        Branch::Success => txn.success,
        Branch::Failure => txn.failure,
    };
    let run = |operation| match operation {
        Operation::Range(request) => {
            let mut response = read_range(writer.state(), &request);
            response.revision = writer.revision();
            OperationResponse::Range(response)
        }
        Operation::Put(request) => OperationResponse::Put(writer.put(request)),
        Operation::DeleteRange(request) => OperationResponse::DeleteRange(writer.delete(&request)),
        Operation::Txn(nested) => OperationResponse::Txn(execute(writer, nested, branches)),
    };
    let responses = operations.into_iter().map(run).collect();
    TxnResponse {
        revision: writer.revision(),
        succeeded: branch == Branch::Success,
        responses,
    }
}
