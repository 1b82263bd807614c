//! The bytes of the formats. A change here is a new format version.

use crate::common::*;
use understudy_log::segment::{SegmentHeader, SegmentHeaderError};
use understudy_log::{BatchBuilder, BatchStart, EpochStart};
use understudy_types::Epoch;

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
    assert!(error.to_string().contains("version 9") && error.to_string().contains("version 1"));
}
