use understudy_types::{ChainHash, Lsn};

/// Why some bytes are not a batch. Every reason is its own: a refusal names
/// which check failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    #[error("a batch has a header of 112 bytes, only {found} bytes are here")]
    Short { found: usize },
    #[error("the magic is {found:02x?}, not that of a batch")]
    Magic { found: [u8; 4] },
    #[error("the header's checksum is {found:08x}, expected {expected:08x}")]
    HeaderChecksum { expected: u32, found: u32 },
    #[error("a batch of {found} bytes is larger than the limit of {limit} bytes")]
    TooLarge { limit: usize, found: usize },
    #[error("{count} records do not fit into a payload of {payload_bytes} bytes")]
    RecordCount { count: u32, payload_bytes: u32 },
    #[error("the batch has no records")]
    NoRecords,
    #[error("the batch belongs to the founding epoch, in which nothing is written")]
    FoundingEpoch,
    #[error("the first lsn {first_lsn} with {count} records is not a range of lsns")]
    LsnRange { first_lsn: u64, count: u32 },
    #[error("the batch calls lsn {committed} committed, but begins with lsn {first_lsn}")]
    CommittedAhead { committed: Lsn, first_lsn: Lsn },
    #[error("the batch is {expected} bytes by its header, {found} bytes are here")]
    Length { expected: usize, found: usize },
    #[error("the chain hash is {found}, the header says {expected}")]
    ChainHash {
        expected: ChainHash,
        found: ChainHash,
    },
    #[error("record {lsn} does not fit into the payload")]
    RecordLength { lsn: Lsn },
    #[error("record {lsn} has checksum {found:08x}, expected {expected:08x}")]
    RecordChecksum { lsn: Lsn, expected: u32, found: u32 },
    #[error("record {lsn} is of kind {kind}, which this version does not know")]
    UnknownKind { lsn: Lsn, kind: u8 },
    #[error("record {lsn} is not a well-formed start of an epoch")]
    EpochStart { lsn: Lsn },
    #[error("{bytes} bytes follow the last record")]
    TrailingBytes { bytes: usize },
}
