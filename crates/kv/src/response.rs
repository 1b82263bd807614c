//! What clients are answered. `revision` is the one for the answer's header.

use bytes::Bytes;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyValue {
    pub key: Bytes,
    pub create_revision: i64,
    pub mod_revision: i64,
    pub version: i64,
    pub value: Bytes,
    pub lease: i64,
}

/// `count` is the number of keys in the range whatever the limit and the
/// filters are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeResponse {
    pub revision: i64,
    pub kvs: Vec<KeyValue>,
    pub more: bool,
    pub count: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutResponse {
    pub revision: i64,
    pub prev_kv: Option<KeyValue>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteRangeResponse {
    pub revision: i64,
    pub deleted: i64,
    pub prev_kvs: Vec<KeyValue>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxnResponse {
    pub revision: i64,
    pub succeeded: bool,
    pub responses: Vec<OperationResponse>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationResponse {
    Range(RangeResponse),
    Put(PutResponse),
    DeleteRange(DeleteRangeResponse),
    Txn(TxnResponse),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactResponse {
    pub revision: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseGrantResponse {
    pub revision: i64,
    pub id: i64,
    pub ttl_seconds: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseRevokeResponse {
    pub revision: i64,
}

/// The answer to a command that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandResponse {
    Put(PutResponse),
    DeleteRange(DeleteRangeResponse),
    Txn(TxnResponse),
    Compact(CompactResponse),
    LeaseGrant(LeaseGrantResponse),
    LeaseRevoke(LeaseRevokeResponse),
}

impl CommandResponse {
    pub fn revision(&self) -> i64 {
        match self {
            Self::Put(response) => response.revision,
            Self::DeleteRange(response) => response.revision,
            Self::Txn(response) => response.revision,
            Self::Compact(response) => response.revision,
            Self::LeaseGrant(response) => response.revision,
            Self::LeaseRevoke(response) => response.revision,
        }
    }
}

/// A short hash of all keys and history up to `hash_revision`. Comparable
/// between nodes whose `compact_revision` is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKv {
    pub revision: i64,
    pub hash: u32,
    pub hash_revision: i64,
    pub compact_revision: Option<i64>,
}
