use std::collections::BTreeMap;

pub(super) const SECTOR_BYTES: usize = 512;

/// What a sector was when it was last durable.
struct Before {
    bytes: [u8; SECTOR_BYTES],
    /// A sync failed on it: the system takes it for clean, the device does
    /// not have it, and no later sync will send it.
    abandoned: bool,
}

/// One file's bytes as the system shows them, and what the device has.
#[derive(Default)]
pub(super) struct Inode {
    pub(super) bytes: Vec<u8>,
    durable_bytes: usize,
    unsynced: BTreeMap<usize, Before>,
}

impl Inode {
    pub(super) fn durable_zeros(length: usize) -> Self {
        Inode {
            bytes: vec![0; length],
            durable_bytes: length,
            unsynced: BTreeMap::new(),
        }
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + bytes.len();
        for sector in offset / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES) {
            self.remember(sector);
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[offset..end].copy_from_slice(bytes);
    }

    pub(super) fn truncate(&mut self, length: usize) {
        let touched = length.min(self.bytes.len());
        for sector in touched / SECTOR_BYTES..self.bytes.len().div_ceil(SECTOR_BYTES) {
            self.remember(sector);
        }
        self.bytes.resize(length, 0);
    }

    pub(super) fn sync(&mut self) {
        self.unsynced.retain(|_, before| before.abandoned);
        self.durable_bytes = self.bytes.len();
    }

    pub(super) fn fail_sync(&mut self) {
        self.unsynced
            .values_mut()
            .for_each(|before| before.abandoned = true);
    }

    /// Each unsynced sector reached the device or did not.
    pub(super) fn crash(&mut self, decide: &mut dyn FnMut() -> u64) {
        let mood = decide() % 4;
        let mut reached = || match mood {
            0 => false,
            1 => true,
            _ => decide().is_multiple_of(2),
        };
        let length = if reached() {
            self.bytes.len()
        } else {
            self.durable_bytes
        };
        let longest = self.bytes.len().max(self.durable_bytes);
        self.bytes.resize(longest.next_multiple_of(SECTOR_BYTES), 0);
        for (sector, before) in std::mem::take(&mut self.unsynced) {
            let start = sector * SECTOR_BYTES;
            if !reached() && start < self.bytes.len() {
                self.bytes[start..start + SECTOR_BYTES].copy_from_slice(&before.bytes);
            }
        }
        self.bytes.resize(length, 0);
        self.durable_bytes = length;
    }

    pub(super) fn flip_bit(&mut self, bit: usize) {
        self.bytes[bit / 8] ^= 1 << (bit % 8);
    }

    fn remember(&mut self, sector: usize) {
        let start = (sector * SECTOR_BYTES).min(self.bytes.len());
        let end = (start + SECTOR_BYTES).min(self.bytes.len());
        let known = &self.bytes[start..end];
        let before = self.unsynced.entry(sector).or_insert_with(|| {
            let mut bytes = [0; SECTOR_BYTES];
            bytes[..known.len()].copy_from_slice(known);
            Before {
                bytes,
                abandoned: false,
            }
        });
        before.abandoned = false;
    }
}
