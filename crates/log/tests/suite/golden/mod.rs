//! The bytes of the formats. A change here is a new format version.

use crate::common::*;
use understudy_log::quarantine::{self, Notice};
use understudy_log::segment::HEADER_BLOCK_BYTES;
use understudy_log::segment::{SegmentHeader, SegmentHeaderError};
use understudy_log::{BatchBuilder, BatchStart, Disk, EpochStart, Record};
use understudy_types::{Epoch, Position};

fn hex(bytes: &[u8]) -> String {
    let lines = bytes.chunks(32).map(|line| {
        line.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            + "\n"
    });
    lines.collect()
}

fn header() -> SegmentHeader {
    SegmentHeader {
        cluster: CLUSTER,
        shard: shard(),
        first_lsn: lsn(41),
        previous: genesis(),
    }
}

#[test]
fn batch_bytes_are_as_they_were() {
    let mut builder = BatchBuilder::new(BatchStart {
        epoch: Epoch::new(2),
        first_lsn: lsn(41),
        committed: Some(lsn(40)),
        wall_millis: 1_700_000_000_000,
        previous: genesis(),
    });
    builder.push_epoch_start(&EpochStart {
        lossy: false,
        holder: "berlin".parse().unwrap(),
    });
    builder.push_command(b"put key value");
    let found = hex(builder.finish().bytes());
    assert_eq!(found, include_str!("batch.hex"), "found:\n{found}");
}

#[test]
fn audit_batch_bytes_are_as_they_were() {
    let mut builder = BatchBuilder::new(BatchStart {
        epoch: Epoch::new(2),
        first_lsn: lsn(41),
        committed: Some(lsn(40)),
        wall_millis: 1_700_000_000_000,
        previous: genesis(),
    });
    builder.push_audit(br#"{"format":1}"#);
    let batch = builder.finish();
    let records: Vec<_> = batch.records().map(|(_, record)| record).collect();
    assert_eq!(
        records,
        [Record::Audit(br#"{"format":1}"#.as_slice().into())]
    );
    let found = hex(batch.bytes());
    assert_eq!(found, include_str!("batch_audit.hex"), "found:\n{found}");
}

/// What a version before this one wrote is read, and takes nothing more.
#[test]
fn segment_header_of_version_1_is_read() {
    let mut block = vec![0; HEADER_BLOCK_BYTES];
    let digits: String = include_str!("segment_header_1.hex")
        .split_whitespace()
        .collect();
    for (index, byte) in block.iter_mut().take(96).enumerate() {
        *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).unwrap();
    }
    assert_eq!(SegmentHeader::decode(&block), Ok(header()));
}

#[test]
fn segment_header_bytes_are_as_they_were() {
    let block = header().encode();
    assert!(block[96..].iter().all(|byte| *byte == 0));
    let found = hex(&block[..96]);
    assert_eq!(found, include_str!("segment_header.hex"), "found:\n{found}");
    assert_eq!(SegmentHeader::decode(&block), Ok(header()));
}

#[test]
fn any_bit_flip_in_a_segment_header_is_detected() {
    let block = header().encode();
    for bit in (0..block.len() * 8).step_by(3) {
        let mut flipped = block.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(
            SegmentHeader::decode(&flipped).is_err(),
            "bit {bit} went unnoticed"
        );
    }
}

#[test]
fn unknown_segment_version_is_named() {
    let mut block = header().encode();
    block[8] = 9;
    let error = SegmentHeader::decode(&block).unwrap_err();
    assert_eq!(error, SegmentHeaderError::Version { found: 9 });
    assert!(
        error.to_string().contains("version 9") && error.to_string().contains("versions 1 to 2")
    );
}

#[test]
fn frames_before_the_batches_are_as_they_were() {
    let disk = sim();
    let mut log = open(&disk, 16 * 1024).unwrap().log;
    let first = append_one(&mut log, 2, 40);
    log.flush().unwrap();
    append_one(&mut log, 2, 40);
    let bytes = disk.read("shards/main/00000000000000000001.seg").unwrap();
    let second_at = HEADER_BLOCK_BYTES + (16 + first.bytes().len()).next_multiple_of(8);
    let frames = [HEADER_BLOCK_BYTES, second_at].map(|at| hex(&bytes[at..at + 16]));
    let found = frames.concat();
    assert_eq!(found, include_str!("frames.hex"), "found:\n{found}");
}

#[test]
fn quarantine_header_is_as_it_was() {
    let disk = sim();
    let notice = Notice {
        cluster: CLUSTER,
        shard: shard(),
        node: "berlin".parse().unwrap(),
        reason: "diverged after epoch 1".to_owned(),
        fork: Some(Position {
            lsn: lsn(40),
            hash: genesis(),
        }),
        wall_millis: 1_700_000_000_000,
    };
    let tail = batch_after(lsn(41), genesis(), 2, &[b"put key value"]);
    let summary = quarantine::store(&*disk, &notice, [Ok(tail)].into_iter()).unwrap();
    let block = disk
        .read(&summary.path())
        .unwrap()
        .slice(..HEADER_BLOCK_BYTES);
    let (head, json) = block.split_at(16);
    let json = std::str::from_utf8(json).unwrap().trim_end_matches('\0');
    let found = format!("{}{json}\n", hex(head));
    assert_eq!(
        found,
        include_str!("quarantine_header.txt"),
        "found:\n{found}"
    );
}
