use understudy_types::{ChainHash, ClusterId, Lsn, ShardName};

/// The version of the segment format that this code writes. Since version 2
/// a segment may hold audit records.
pub const FORMAT_VERSION: u32 = 2;
/// The oldest one that it reads.
const OLDEST_VERSION: u32 = 1;
/// Bytes of a segment before its first entry.
pub const HEADER_BLOCK_BYTES: usize = 4096;
const MAGIC: [u8; 8] = *b"USSEGMNT";
const VERSION_AT: usize = 8;
/// Up to the shard's name: magic, version, checksum, cluster, first lsn,
/// chain hash before it, length of the name.
const NAME_AT: usize = 73;

/// What a segment says about itself.
///
/// ```text
///   0 magic "USSEGMNT"   8 u32 format version   12 u32 crc32c of all the rest
///  16 cluster id        32 u64 first lsn        40 chain hash before it
///  72 u8 length, then the shard's name, then zeros up to 4096
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentHeader {
    pub cluster: ClusterId,
    pub shard: ShardName,
    pub first_lsn: Lsn,
    /// The chain hash before the segment's first batch.
    pub previous: ChainHash,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SegmentHeaderError {
    #[error("the file is shorter than a segment's header")]
    Short,
    #[error("the magic is not that of a segment")]
    Magic,
    #[error(
        "format version {found}, but this build supports versions {OLDEST_VERSION} to {FORMAT_VERSION}: \
         run the version of understudy that wrote it"
    )]
    Version { found: u32 },
    #[error("the header's checksum is {found:08x}, expected {expected:08x}")]
    Checksum { expected: u32, found: u32 },
    #[error("the header's fields are out of range")]
    Fields,
}

impl SegmentHeader {
    pub fn encode(&self) -> Vec<u8> {
        let name = self.shard.as_str().as_bytes();
        let mut block = vec![0; HEADER_BLOCK_BYTES];
        block[0..8].copy_from_slice(&MAGIC);
        block[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        block[16..32].copy_from_slice(self.cluster.as_bytes());
        block[32..40].copy_from_slice(&self.first_lsn.get().to_le_bytes());
        block[40..72].copy_from_slice(self.previous.as_bytes());
        block[72] = u8::try_from(name.len()).expect("a name has at most 63 bytes");
        block[NAME_AT..NAME_AT + name.len()].copy_from_slice(name);
        let checksum = checksum(&block);
        block[12..16].copy_from_slice(&checksum.to_le_bytes());
        block
    }

    pub fn decode(block: &[u8]) -> Result<SegmentHeader, SegmentHeaderError> {
        let block = block
            .first_chunk::<HEADER_BLOCK_BYTES>()
            .ok_or(SegmentHeaderError::Short)?;
        if block[..8] != MAGIC {
            return Err(SegmentHeaderError::Magic);
        }
        let version = u32::from_le_bytes(field(block, VERSION_AT));
        if !(OLDEST_VERSION..=FORMAT_VERSION).contains(&version) {
            return Err(SegmentHeaderError::Version { found: version });
        }
        let expected = u32::from_le_bytes(field(block, 12));
        let found = checksum(block);
        if expected != found {
            return Err(SegmentHeaderError::Checksum { expected, found });
        }
        Self::fields(block).ok_or(SegmentHeaderError::Fields)
    }

    fn fields(block: &[u8; HEADER_BLOCK_BYTES]) -> Option<SegmentHeader> {
        let name = block.get(NAME_AT..NAME_AT + usize::from(block[72]))?;
        Some(SegmentHeader {
            cluster: ClusterId::from_bytes(field(block, 16)),
            shard: std::str::from_utf8(name).ok()?.parse().ok()?,
            first_lsn: Lsn::new(u64::from_le_bytes(field(block, 32)))?,
            previous: ChainHash::from_bytes(field(block, 40)),
        })
    }
}

/// Whether more may be appended to a segment whose file begins so: one of an
/// older version holds only what that version knew.
pub(crate) fn takes_more(start: &[u8]) -> bool {
    start.get(VERSION_AT..VERSION_AT + 4) == Some(&FORMAT_VERSION.to_le_bytes())
}

fn checksum(block: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&block[..12]), &block[16..])
}

fn field<const N: usize>(block: &[u8; HEADER_BLOCK_BYTES], at: usize) -> [u8; N] {
    *block[at..]
        .first_chunk()
        .expect("every field lies inside the block")
}
