//! etcd's data model in memory, as a deterministic state machine.
//!
//! A [`Command`] is what the log carries; [`KvState`] applies it and answers
//! reads ([`KvState::range`]) and watches ([`KvState::events`]). Nothing here
//! does I/O, reads a clock, draws a random number or depends on the order of
//! a hash map: time and ids are put into commands by the primary.
//!
//! What always holds:
//! - A command that fails at apply gives an error and changes nothing.
//! - Every revision has at least one event, and at most one event a key.
//! - History is contiguous from the compacted revision on, so every revision
//!   from there on can be read and watched.
//! - Equal states have equal digests; the digest is kept up with each change.
//!
//! Start reading at [`KvState`], then `store`: the newest version of a key
//! lives with the key, and each event keeps the version that it replaced.

mod apply;
mod command;
mod error;
mod events;
mod key_range;
mod leases;
mod range;
mod request;
mod response;
mod state;
mod store;
mod undo;
mod validate;

pub use command::{Command, MalformedCommand};
pub use error::{KvError, KvErrorKind};
pub use events::{
    CompactedAt, Event, EventKind, EventsPage, EventsRequest, PreviousVersion, RevisionEvents,
};
pub use key_range::KeyRange;
pub use leases::LeaseView;
pub use request::{
    CompactRequest, Compare, CompareResult, CompareTarget, DeleteRangeRequest, LeaseGrantRequest,
    LeaseRevokeRequest, Operation, PutRequest, RangeRequest, SortOrder, SortTarget, Txn,
};
pub use response::{
    CommandResponse, CompactResponse, DeleteRangeResponse, HashKv, KeyValue, LeaseGrantResponse,
    LeaseRevokeResponse, OperationResponse, PutResponse, RangeResponse, TxnResponse,
};
pub use state::{KvState, REVISION_FLOOR_STEP};
pub use validate::{
    LARGEST_LEASE_TTL_SECONDS, LARGEST_REQUEST_BYTES, MOST_TXN_OPERATIONS, validate,
};
