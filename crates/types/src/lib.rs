//! The words of the project as types: every number that crosses a boundary
//! has a type, a unit and an owner.
//!
//! This crate never does I/O, reads no clock and draws no random number:
//! identifiers are made by the caller from bytes that it brings.
//!
//! Start with [`Position`]: equal positions mean equal histories.

mod bytes_count;
mod cause;
mod chain;
mod digest;
mod id;
mod name;
mod position;
mod time;

pub use bytes_count::ByteCount;
pub use cause::innermost_cause;
pub use chain::{ChainHash, ParseHashError};
pub use digest::{StateAt, StateDigest};
pub use id::{ClusterId, DataId, Nonce, ParseIdError};
pub use name::{InvalidName, NodeId, ShardName};
pub use position::{Epoch, Lsn, Position, lsn_value};
pub use time::{BootTime, Clock};
