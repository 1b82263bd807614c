//! The commands that the log carries, and their bytes.

mod flat;

use crate::request::{
    CompactRequest, DeleteRangeRequest, LeaseGrantRequest, LeaseRevokeRequest, PutRequest, Txn,
};
use flat::FlatTxn;
use serde::{Deserialize, Serialize};

/// The first byte of every encoded command.
const FORMAT: u8 = 1;

/// A change that all nodes apply in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Put(PutRequest),
    DeleteRange(DeleteRangeRequest),
    Txn(Txn),
    Compact(CompactRequest),
    LeaseGrant(LeaseGrantRequest),
    LeaseRevoke(LeaseRevokeRequest),
}

/// The bytes are no command of a format that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedCommand {
    #[error("the command is empty")]
    Empty,
    #[error("the command has format {found}, this version knows {FORMAT}")]
    UnknownFormat { found: u8 },
    #[error("the command's bytes do not read as one")]
    Unreadable,
}

/// Variants stand in logs by their order: add at the end only, and with
/// another [`FORMAT`] when a field changes.
#[derive(Serialize)]
enum Encoded<'a> {
    Put(&'a PutRequest),
    DeleteRange(&'a DeleteRangeRequest),
    Txn(Vec<FlatTxn>),
    Compact(CompactRequest),
    LeaseGrant(LeaseGrantRequest),
    LeaseRevoke(LeaseRevokeRequest),
}

/// The same as [`Encoded`], owned.
#[derive(Deserialize)]
enum Decoded {
    Put(PutRequest),
    DeleteRange(DeleteRangeRequest),
    Txn(Vec<FlatTxn>),
    Compact(CompactRequest),
    LeaseGrant(LeaseGrantRequest),
    LeaseRevoke(LeaseRevokeRequest),
}

impl Command {
    pub fn encode(&self) -> Vec<u8> {
        let encoded = match self {
            Self::Put(request) => Encoded::Put(request),
            Self::DeleteRange(request) => Encoded::DeleteRange(request),
            Self::Txn(txn) => Encoded::Txn(flat::flatten(txn)),
            Self::Compact(request) => Encoded::Compact(*request),
            Self::LeaseGrant(request) => Encoded::LeaseGrant(*request),
            Self::LeaseRevoke(request) => Encoded::LeaseRevoke(*request),
        };
        postcard::to_extend(&encoded, vec![FORMAT]).expect("a vector takes any number of bytes")
    }

    /// Copies each key and value once. Never panics, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MalformedCommand> {
        let (format, body) = bytes.split_first().ok_or(MalformedCommand::Empty)?;
        if *format != FORMAT {
            return Err(MalformedCommand::UnknownFormat { found: *format });
        }
        let (decoded, rest) =
            postcard::take_from_bytes(body).map_err(|_| MalformedCommand::Unreadable)?;
        if !rest.is_empty() {
            return Err(MalformedCommand::Unreadable);
        }
        Ok(match decoded {
            Decoded::Put(request) => Self::Put(request),
            Decoded::DeleteRange(request) => Self::DeleteRange(request),
            Decoded::Txn(flat) => {
                Self::Txn(flat::unflatten(flat).ok_or(MalformedCommand::Unreadable)?)
            }
            Decoded::Compact(request) => Self::Compact(request),
            Decoded::LeaseGrant(request) => Self::LeaseGrant(request),
            Decoded::LeaseRevoke(request) => Self::LeaseRevoke(request),
        })
    }
}
