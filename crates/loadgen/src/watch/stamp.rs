use bytes::{Buf, BufMut, Bytes, BytesMut};

/// What a value says of its put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) writer: u32,
    /// Counted from 0 by each writer.
    pub(super) number: u64,
    /// On the run's stopwatch, just before the put was sent.
    pub(super) sent_nanos: u64,
}

impl Stamp {
    pub(super) const LENGTH: usize = 20;

    /// Filled up to `size`; never shorter than the stamp itself.
    pub(super) fn to_value(self, size: usize) -> Bytes {
        let mut value = BytesMut::with_capacity(size.max(Self::LENGTH));
        value.put_u32(self.writer);
        value.put_u64(self.number);
        value.put_u64(self.sent_nanos);
        value.resize(size.max(Self::LENGTH), 0);
        value.freeze()
    }

    /// None for a value that is too short to be one of the run.
    pub(super) fn from_value(mut value: &[u8]) -> Option<Self> {
        if value.len() < Self::LENGTH {
            return None;
        }
        Some(Stamp {
            writer: value.get_u32(),
            number: value.get_u64(),
            sent_nanos: value.get_u64(),
        })
    }
}
