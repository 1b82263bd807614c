use crate::common::*;
use bytes::Bytes;
use proptest::prelude::*;
use understudy_log::batch::HEADER_BYTES;
use understudy_log::{
    Batch, BatchBuilder, BatchError, BatchStart, EpochStart, MAX_BATCH_BYTES, Record,
};
use understudy_types::{ChainHash, Epoch, Lsn};

fn start() -> BatchStart {
    BatchStart {
        epoch: Epoch::new(3),
        first_lsn: lsn(10),
        committed: Some(lsn(9)),
        wall_millis: 77,
        previous: ChainHash::from_bytes([9; 32]),
    }
}

fn sample() -> Batch {
    let mut builder = BatchBuilder::new(start());
    builder.push_epoch_start(&EpochStart {
        lossy: true,
        holder: "berlin".parse().unwrap(),
    });
    builder.push_command(b"put a 1");
    builder.push_command(b"");
    builder.finish()
}

/// Sets bytes in the hashed part of the header and seals it again.
fn forge(change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = sample().bytes().to_vec();
    change(&mut bytes);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[48..80]);
    hasher.update(&bytes[8..48]);
    hasher.update(&bytes[HEADER_BYTES..]);
    let hash = *hasher.finalize().as_bytes();
    bytes[80..112].copy_from_slice(&hash);
    let checksum = crc32c::crc32c(&bytes[8..112]).to_le_bytes();
    bytes[4..8].copy_from_slice(&checksum);
    bytes.into()
}

#[test]
fn batch_says_what_was_put_into_it() {
    let batch = Batch::decode(sample().bytes().clone()).unwrap();
    assert_eq!((batch.epoch(), batch.wall_millis()), (Epoch::new(3), 77));
    assert_eq!((batch.first_lsn(), batch.last_lsn()), (lsn(10), lsn(12)));
    assert_eq!(batch.committed(), Some(lsn(9)));
    assert_eq!(batch.previous(), ChainHash::from_bytes([9; 32]));
    assert_eq!(batch.position().lsn, lsn(12));
    let records: Vec<(Lsn, Record)> = batch.records().collect();
    let start = EpochStart {
        lossy: true,
        holder: "berlin".parse().unwrap(),
    };
    assert_eq!(records[0], (lsn(10), Record::EpochStart(start)));
    assert_eq!(
        records[1],
        (lsn(11), Record::Command(Bytes::from_static(b"put a 1")))
    );
    assert_eq!(records[2], (lsn(12), Record::Command(Bytes::new())));
}

#[test]
fn command_is_a_slice_of_the_batch() {
    let batch = sample();
    let inside = batch.bytes().as_ptr_range();
    let (_, record) = batch.records().nth(1).unwrap();
    let Record::Command(body) = record else {
        panic!("a command")
    };
    assert!(inside.contains(&body.as_ptr()));
}

#[test]
fn builder_counts_its_bytes() {
    let mut builder = BatchBuilder::new(start());
    assert_eq!(builder.len_bytes(), HEADER_BYTES);
    builder.push_command(b"12345");
    assert_eq!(builder.len_bytes(), HEADER_BYTES + 9 + 5);
    assert!(builder.has_room_for(1024) && !builder.has_room_for(MAX_BATCH_BYTES));
    assert_eq!(builder.finish().bytes().len(), HEADER_BYTES + 9 + 5);
}

#[test]
fn every_reason_to_refuse_is_its_own_error() {
    let decode = |bytes: Bytes| Batch::decode(bytes).unwrap_err();
    let set = |at: usize, value: Vec<u8>| {
        forge(move |bytes| bytes[at..at + value.len()].copy_from_slice(&value))
    };
    let u64_at = |at, value: u64| decode(set(at, value.to_le_bytes().to_vec()));
    let u32_at = |at, value: u32| decode(set(at, value.to_le_bytes().to_vec()));
    assert!(matches!(
        decode(Bytes::from_static(b"USB1")),
        BatchError::Short { found: 4 }
    ));
    assert!(matches!(
        decode(set(0, b"XXXX".to_vec())),
        BatchError::Magic { .. }
    ));
    assert!(matches!(u32_at(8, u32::MAX), BatchError::TooLarge { .. }));
    assert!(matches!(u32_at(8, 4000), BatchError::Length { .. }));
    assert!(matches!(u32_at(12, 0), BatchError::NoRecords));
    assert!(matches!(u32_at(12, 1000), BatchError::RecordCount { .. }));
    assert!(matches!(
        u32_at(12, 2),
        BatchError::TrailingBytes { bytes: 9 }
    ));
    assert!(matches!(u64_at(16, 0), BatchError::FoundingEpoch));
    assert!(matches!(u64_at(24, 0), BatchError::LsnRange { .. }));
    assert!(matches!(u64_at(24, u64::MAX), BatchError::LsnRange { .. }));
    assert!(matches!(u64_at(32, 10), BatchError::CommittedAhead { .. }));
    assert!(matches!(
        u32_at(HEADER_BYTES, 1 << 30),
        BatchError::RecordLength { .. }
    ));
    assert!(matches!(
        u32_at(HEADER_BYTES + 4, 1),
        BatchError::RecordChecksum { .. }
    ));
}

fn with_first_record(kind: u8, body_head: &[u8]) -> BatchError {
    let length = sample().bytes()[HEADER_BYTES] as usize;
    let bytes = forge(|bytes| {
        let record = &mut bytes[HEADER_BYTES..HEADER_BYTES + 9 + length];
        record[8] = kind;
        record[9..9 + body_head.len()].copy_from_slice(body_head);
        let checksum = crc32c::crc32c(&record[8..]).to_le_bytes();
        record[4..8].copy_from_slice(&checksum);
    });
    Batch::decode(bytes).unwrap_err()
}

#[test]
fn unknown_kinds_and_malformed_epoch_starts_are_refused() {
    assert_eq!(
        with_first_record(9, &[]),
        BatchError::UnknownKind {
            lsn: lsn(10),
            kind: 9
        }
    );
    assert_eq!(
        with_first_record(0, &[2]),
        BatchError::EpochStart { lsn: lsn(10) }
    );
    assert_eq!(
        with_first_record(0, &[0, 200, 0]),
        BatchError::EpochStart { lsn: lsn(10) }
    );
}

#[test]
fn any_single_bit_flip_is_detected() {
    let bytes = sample().bytes().clone();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(
            Batch::decode(flipped.into()).is_err(),
            "bit {bit} went unnoticed"
        );
    }
}

proptest! {
    #[test]
    fn codec_round_trips(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..20)) {
        let slices: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        let batch = batch_after(lsn(5), ChainHash::from_bytes([1; 32]), 2, &slices);
        let decoded = Batch::decode(batch.bytes().clone()).unwrap();
        prop_assert_eq!(&decoded, &batch);
        prop_assert_eq!(commands(&decoded), bodies);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Batch::decode(bytes.into()).is_err());
    }

    #[test]
    fn any_cut_or_addition_is_refused(cut in 0usize..150, extra in 1usize..20) {
        let bytes = sample().bytes().clone();
        prop_assert!(Batch::decode(bytes.slice(..cut.min(bytes.len() - 1))).is_err());
        let longer = [&bytes[..], &vec![0; extra]].concat();
        prop_assert!(Batch::decode(longer.into()).is_err());
    }
}
