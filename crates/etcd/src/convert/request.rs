//! What clients ask for, as the data model reads it.

use crate::status;
use tonic::Status;
use understudy_kv as kv;
use understudy_kv::KvError;
use understudy_wire::etcd::etcdserverpb::{self as pb, compare, range_request, request_op};

pub(crate) fn range(request: &pb::RangeRequest) -> Result<kv::RangeRequest, Status> {
    // Whether it is linearizable is decided at the door.
    let pb::RangeRequest {
        serializable: _, ..
    } = request;
    if request.key.is_empty() {
        return Err(status::of_kv_error(KvError::KeyNotProvided));
    }
    Ok(kv::RangeRequest {
        key: request.key.clone(),
        range_end: request.range_end.clone(),
        limit: request.limit,
        revision: request.revision,
        sort_order: sort_order(request.sort_order)?,
        sort_target: sort_target(request.sort_target)?,
        keys_only: request.keys_only,
        count_only: request.count_only,
        min_mod_revision: request.min_mod_revision,
        max_mod_revision: request.max_mod_revision,
        min_create_revision: request.min_create_revision,
        max_create_revision: request.max_create_revision,
    })
}

pub(crate) fn put(request: &pb::PutRequest) -> kv::PutRequest {
    kv::PutRequest {
        key: request.key.clone(),
        value: request.value.clone(),
        lease: request.lease,
        prev_kv: request.prev_kv,
        ignore_value: request.ignore_value,
        ignore_lease: request.ignore_lease,
    }
}

pub(crate) fn delete_range(request: &pb::DeleteRangeRequest) -> kv::DeleteRangeRequest {
    kv::DeleteRangeRequest {
        key: request.key.clone(),
        range_end: request.range_end.clone(),
        prev_kv: request.prev_kv,
    }
}

/// Nested as deep as the decoder let it be, which is a bounded depth.
pub(crate) fn txn(request: &pb::TxnRequest) -> Result<kv::Txn, Status> {
    Ok(kv::Txn {
        compare: request
            .compare
            .iter()
            .map(comparison)
            .collect::<Result<_, _>>()?,
        success: operations(&request.success)?,
        failure: operations(&request.failure)?,
    })
}

fn operations(branch: &[pb::RequestOp]) -> Result<Vec<kv::Operation>, Status> {
    branch.iter().map(operation).collect()
}

fn operation(operation: &pb::RequestOp) -> Result<kv::Operation, Status> {
    use request_op::Request;
    match &operation.request {
        Some(Request::RequestRange(request)) => range(request).map(kv::Operation::Range),
        Some(Request::RequestPut(request)) => Ok(kv::Operation::Put(put(request))),
        Some(Request::RequestDeleteRange(request)) => {
            Ok(kv::Operation::DeleteRange(delete_range(request)))
        }
        Some(Request::RequestTxn(request)) => txn(request).map(kv::Operation::Txn),
        None => Err(status::of_kv_error(KvError::KeyNotFound)),
    }
}

fn comparison(compare: &pb::Compare) -> Result<kv::Compare, Status> {
    Ok(kv::Compare {
        key: compare.key.clone(),
        range_end: compare.range_end.clone(),
        result: compare_result(compare.result)?,
        target: compare_target(compare)?,
    })
}

fn compare_result(result: i32) -> Result<kv::CompareResult, Status> {
    use compare::CompareResult as Wire;
    Ok(
        match Wire::try_from(result).map_err(|_| unknown("compare result"))? {
            Wire::Equal => kv::CompareResult::Equal,
            Wire::Greater => kv::CompareResult::Greater,
            Wire::Less => kv::CompareResult::Less,
            Wire::NotEqual => kv::CompareResult::NotEqual,
        },
    )
}

/// The target says what is compared; an operand of another kind, or none, is
/// zero or empty.
fn compare_target(compare: &pb::Compare) -> Result<kv::CompareTarget, Status> {
    use compare::{CompareTarget as Wire, TargetUnion as Operand};
    let operand = compare.target_union.as_ref();
    let target = Wire::try_from(compare.target).map_err(|_| unknown("compare target"))?;
    Ok(match (target, operand) {
        (Wire::Version, Some(Operand::Version(number))) => kv::CompareTarget::Version(*number),
        (Wire::Version, _) => kv::CompareTarget::Version(0),
        (Wire::Create, Some(Operand::CreateRevision(revision))) => {
            kv::CompareTarget::CreateRevision(*revision)
        }
        (Wire::Create, _) => kv::CompareTarget::CreateRevision(0),
        (Wire::Mod, Some(Operand::ModRevision(revision))) => {
            kv::CompareTarget::ModRevision(*revision)
        }
        (Wire::Mod, _) => kv::CompareTarget::ModRevision(0),
        (Wire::Value, Some(Operand::Value(value))) => kv::CompareTarget::Value(value.clone()),
        (Wire::Value, _) => kv::CompareTarget::Value(Default::default()),
        (Wire::Lease, Some(Operand::Lease(lease))) => kv::CompareTarget::Lease(*lease),
        (Wire::Lease, _) => kv::CompareTarget::Lease(0),
    })
}

fn sort_order(order: i32) -> Result<kv::SortOrder, Status> {
    use range_request::SortOrder as Wire;
    Ok(
        match Wire::try_from(order).map_err(|_| invalid_sort_option())? {
            Wire::None => kv::SortOrder::None,
            Wire::Ascend => kv::SortOrder::Ascend,
            Wire::Descend => kv::SortOrder::Descend,
        },
    )
}

fn sort_target(target: i32) -> Result<kv::SortTarget, Status> {
    use range_request::SortTarget as Wire;
    Ok(
        match Wire::try_from(target).map_err(|_| invalid_sort_option())? {
            Wire::Key => kv::SortTarget::Key,
            Wire::Version => kv::SortTarget::Version,
            Wire::Create => kv::SortTarget::CreateRevision,
            Wire::Mod => kv::SortTarget::ModRevision,
            Wire::Value => kv::SortTarget::Value,
        },
    )
}

fn invalid_sort_option() -> Status {
    Status::invalid_argument("etcdserver: invalid sort option")
}

fn unknown(what: &str) -> Status {
    Status::invalid_argument(format!("understudy: unknown {what}"))
}
