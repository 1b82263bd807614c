//! The one table from what went wrong to what a client is told. Clients match
//! on the codes and on the exact messages.

use tonic::{Code, Status, metadata::MetadataValue};
use understudy_kv::{KvError, KvErrorKind};
use understudy_node::handle::Refusal;

/// Response metadata: it is definite that the call did nothing.
pub const NOT_ACCEPTED: &str = "understudy-not-accepted";

pub(crate) fn of_kv_error(error: KvError) -> Status {
    let code = match error.kind() {
        KvErrorKind::InvalidArgument => Code::InvalidArgument,
        KvErrorKind::OutOfRange => Code::OutOfRange,
        KvErrorKind::NotFound => Code::NotFound,
        KvErrorKind::FailedPrecondition => Code::FailedPrecondition,
        KvErrorKind::Internal => Code::Internal,
    };
    Status::new(code, error.to_string())
}

pub(crate) fn of_refusal(refusal: Refusal) -> Status {
    let status = match refusal {
        Refusal::NotPrimary | Refusal::LeaseLapsed => {
            Status::unavailable("etcdserver: leader changed")
        }
        Refusal::ShuttingDown => Status::unavailable("etcdserver: server stopped"),
        Refusal::DiskFull => {
            Status::resource_exhausted("etcdserver: mvcc: database space exceeded")
        }
        Refusal::Maintenance => Status::unavailable(
            "understudy: maintenance is on, writes are refused until an operator ends it",
        ),
        Refusal::TooLarge => Status::invalid_argument("etcdserver: request is too large"),
    };
    not_accepted(status)
}

/// There was no primary to ask for as long as a call may wait.
pub(crate) fn no_primary() -> Status {
    not_accepted(Status::unavailable("etcdserver: no leader"))
}

/// This node is going away and did not begin with the call.
pub(crate) fn stopped() -> Status {
    not_accepted(Status::unavailable("etcdserver: server stopped"))
}

/// The command may have happened or may yet happen.
pub(crate) fn outcome_unknown() -> Status {
    Status::unavailable("etcdserver: request timed out")
}

/// A part of the API that this server does not have.
pub(crate) fn unimplemented(what: &str) -> Status {
    Status::unimplemented(format!("understudy: {what} is not served"))
}

/// Whether the same call may be sent once more, to the same or another node,
/// without a chance that it happens twice.
pub(crate) fn is_not_accepted(status: &Status) -> bool {
    status.metadata().contains_key(NOT_ACCEPTED)
}

pub(crate) fn not_accepted(mut status: Status) -> Status {
    status
        .metadata_mut()
        .insert(NOT_ACCEPTED, MetadataValue::from_static("1"));
    status
}

#[cfg(test)]
mod tests;
