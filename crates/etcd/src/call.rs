//! What a unary call is to the door: how it is answered here or sent on, and
//! what a failure of it allows.

use crate::{backend::Backend, door::Door, relay, status};
use std::future::Future;
use tonic::{Code, Status, metadata::MetadataMap, transport::Channel};
use understudy_node::handle::{ProposeError, Refusal};
use understudy_wire::etcd::etcdserverpb::kv_client::KvClient;

/// A call that can be answered here or sent on.
pub(crate) trait Call: Send + Sync {
    type Answer: Send;

    const REPEAT: Repeat;

    fn answer_here<B: Backend>(
        &self,
        door: &Door<B>,
    ) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;

    /// Sends it to the primary, marked as relayed.
    fn send_on(
        &self,
        client: KvClient<Channel>,
    ) -> impl Future<Output = Result<Self::Answer, Status>> + Send;
}

/// What a call that may have happened allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It reads: once more is the same as once.
    Always,
    /// It writes: never, unless it is definite that it did not happen.
    WhenNotAccepted,
}

/// Why an attempt gave no answer, split by what may be tried next.
#[derive(Debug)]
pub(crate) enum Failure {
    /// This is the answer, wherever it is asked.
    Final(Status),
    /// Nothing happened, and another node or moment may accept it.
    NotAccepted(Status),
    /// It may have happened.
    Unknown,
}

/// Where a call came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Client,
    /// A standby that takes us for the primary.
    Relay,
}

impl Origin {
    pub(crate) fn of(metadata: &MetadataMap) -> Origin {
        if relay::is_relayed(metadata) {
            Origin::Relay
        } else {
            Origin::Client
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let status = status::of_refusal(refusal);
        match refusal {
            Refusal::NotPrimary | Refusal::LeaseLapsed | Refusal::ShuttingDown => {
                Failure::NotAccepted(status)
            }
            // An operator ends it, and not soon: nothing to hold a call for.
            Refusal::DiskFull | Refusal::TooLarge | Refusal::Maintenance => Failure::Final(status),
        }
    }
}

impl From<ProposeError> for Failure {
    fn from(error: ProposeError) -> Failure {
        match error {
            ProposeError::NotAccepted(refusal) => refusal.into(),
            ProposeError::Unknown(_) => Failure::Unknown,
        }
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Status {
        match failure {
            Failure::Final(status) | Failure::NotAccepted(status) => status,
            Failure::Unknown => status::outcome_unknown(),
        }
    }
}

impl Failure {
    /// What the primary's refusal means for a call that was sent on.
    pub(crate) fn of_relayed(status: &Status) -> Failure {
        // Made anew: what else stood in the primary's trailers is not the client's.
        let plain = Status::new(status.code(), status.message());
        match status.code() {
            _ if relay::never_connected(status) => Failure::NotAccepted(status::no_primary()),
            Code::Unavailable if status::is_not_accepted(status) => {
                Failure::NotAccepted(status::not_accepted(plain))
            }
            _ if status::is_not_accepted(status) => Failure::Final(status::not_accepted(plain)),
            Code::Unavailable => Failure::Unknown,
            _ if relay::is_connection_failure(status) => Failure::Unknown,
            _ => Failure::Final(plain),
        }
    }
}
