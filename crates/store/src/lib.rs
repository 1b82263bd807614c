//! The object store as the project sees it: conditional put, get, delete and
//! list of small objects. The lease, the activation flag and the fallback
//! batches stand on the conditional put and on nothing else.
//!
//! This crate never retries, never sleeps, and never decides what an answer
//! means for the lease. (One exception: a swap that was refused before the
//! store's spelling of `ETag`s is known is asked again without quotes.) It never says that something failed when it may have
//! happened: see [`StoreError`].
//!
//! What every implementation keeps:
//! - of several conditional puts against one state of a key, at most one is
//!   applied, and only that one is told so;
//! - a `get` after an applied `put` sees it, or something newer;
//! - an [`ETag`] changes when the body changes. It may stay the same when the
//!   body stays the same: a body that must be told apart carries a nonce.
//!
//! Start with [`ObjectStore`]. [`S3Store`] is the real one, [`MemoryStore`]
//! the fake with faults, [`LocalStore`] the directory that stands in for a
//! store that is lost, [`conformance`] the suite that all must pass, and
//! [`probe()`] the check by which a node refuses a store that lies.

mod access;
pub mod conformance;
mod error;
mod fault;
mod local;
mod memory;
mod object;
mod probe;
mod s3;

pub use access::ObjectStore;
pub use error::{FaultKind, StoreError, StoreFault};
pub use fault::{Fault, Gate};
pub use local::LocalStore;
pub use memory::MemoryStore;
pub use object::{Condition, ETag, Fetched, Listed, Object, PutAnswer};
pub use probe::{ProbeCheck, ProbeRefusal, ProbeReport, probe};
pub use s3::{ConnectError, Credentials, S3Config, S3Store};
