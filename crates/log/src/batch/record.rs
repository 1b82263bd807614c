use super::{BatchError, BatchHeader, RECORD_OVERHEAD_BYTES};
use bytes::Bytes;
use understudy_types::{Lsn, NodeId};

const EPOCH_START: u8 = 0;
const COMMAND: u8 = 1;
const AUDIT: u8 = 2;

/// One record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The first record of an epoch.
    EpochStart(EpochStart),
    /// A command for the state machine; opaque here.
    Command(Bytes),
    /// What somebody did with this cluster; opaque here, and the state
    /// machine never sees it.
    Audit(Bytes),
}

/// What an epoch begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochStart {
    /// The promotion may have lost acknowledged records of the epoch before.
    pub lossy: bool,
    /// Who holds the lease in this epoch.
    pub holder: NodeId,
}

impl EpochStart {
    fn parse(body: &[u8]) -> Option<EpochStart> {
        let (&flag, rest) = body.split_first()?;
        let (length, name) = rest.split_first_chunk::<2>()?;
        if usize::from(u16::from_le_bytes(*length)) != name.len() {
            return None;
        }
        let lossy = match flag {
            0 => false,
            1 => true,
            _ => return None,
        };
        let holder = std::str::from_utf8(name).ok()?.parse().ok()?;
        Some(EpochStart { lossy, holder })
    }
}

pub(super) fn push_command(out: &mut Vec<u8>, body: &[u8]) {
    push(out, COMMAND, &[body]);
}

pub(super) fn push_audit(out: &mut Vec<u8>, body: &[u8]) {
    push(out, AUDIT, &[body]);
}

pub(super) fn push_epoch_start(out: &mut Vec<u8>, start: &EpochStart) {
    let holder = start.holder.as_str().as_bytes();
    let length = u16::try_from(holder.len()).expect("a name has at most 63 bytes");
    push(
        out,
        EPOCH_START,
        &[&[u8::from(start.lossy)], &length.to_le_bytes(), holder],
    );
}

fn push(out: &mut Vec<u8>, kind: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = u32::try_from(length).expect("a record is smaller than a batch");
    let start = out.len();
    out.reserve(RECORD_OVERHEAD_BYTES + length as usize);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.push(kind);
    for part in parts {
        out.extend_from_slice(part);
    }
    let checksum = crc32c::crc32c(&out[start + 8..]);
    out[start + 4..start + 8].copy_from_slice(&checksum.to_le_bytes());
}

/// The lengths and checksum in front of a record.
struct Frame {
    body_bytes: usize,
    checksum: u32,
    kind: u8,
}

impl Frame {
    /// `None` when the record does not fit into what is left.
    fn parse(rest: &[u8]) -> Option<Frame> {
        let head = rest.first_chunk::<RECORD_OVERHEAD_BYTES>()?;
        let [a, b, c, d, e, f, g, h, kind] = *head;
        let body_bytes = u32::from_le_bytes([a, b, c, d]) as usize;
        let fits = body_bytes <= rest.len() - RECORD_OVERHEAD_BYTES;
        fits.then_some(Frame {
            body_bytes,
            checksum: u32::from_le_bytes([e, f, g, h]),
            kind,
        })
    }

    fn end(&self) -> usize {
        RECORD_OVERHEAD_BYTES + self.body_bytes
    }
}

/// Checks that `payload` is exactly the records that the header announces.
pub(super) fn verify(header: &BatchHeader, payload: &[u8]) -> Result<(), BatchError> {
    let mut rest = payload;
    for index in 0..header.record_count {
        let lsn = header.first_lsn.plus(u64::from(index));
        let frame = Frame::parse(rest).ok_or(BatchError::RecordLength { lsn })?;
        let (record, after) = rest.split_at(frame.end());
        verify_record(lsn, &frame, record)?;
        rest = after;
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(BatchError::TrailingBytes { bytes: rest.len() })
    }
}

fn verify_record(lsn: Lsn, frame: &Frame, record: &[u8]) -> Result<(), BatchError> {
    let found = crc32c::crc32c(&record[8..]);
    if found != frame.checksum {
        return Err(BatchError::RecordChecksum {
            lsn,
            expected: frame.checksum,
            found,
        });
    }
    match frame.kind {
        COMMAND | AUDIT => Ok(()),
        EPOCH_START => EpochStart::parse(&record[RECORD_OVERHEAD_BYTES..])
            .map(|_| ())
            .ok_or(BatchError::EpochStart { lsn }),
        kind => Err(BatchError::UnknownKind { lsn, kind }),
    }
}

/// Iterates over a payload that has been verified.
pub(super) struct Frames {
    rest: Bytes,
}

impl Frames {
    pub(super) fn new(payload: Bytes) -> Self {
        Frames { rest: payload }
    }
}

impl Iterator for Frames {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if self.rest.is_empty() {
            return None;
        }
        let frame = Frame::parse(&self.rest).expect("the payload was verified");
        let body = self
            .rest
            .split_to(frame.end())
            .slice(RECORD_OVERHEAD_BYTES..);
        Some(match frame.kind {
            COMMAND => Record::Command(body),
            AUDIT => Record::Audit(body),
            _ => Record::EpochStart(EpochStart::parse(&body).expect("the payload was verified")),
        })
    }
}
