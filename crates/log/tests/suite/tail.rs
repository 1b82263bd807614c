//! Torn tails of every shape.

use crate::common::*;
use proptest::prelude::*;
use understudy_log::{Batch, Disk, LogError};

const SEGMENT: u64 = 16 * 1024;
const FIRST: &str = "shards/main/00000000000000000001.seg";
const ENTRY: usize = 840;

/// Three batches; from `from` on, `tail` replaces what was there.
fn reopened(from: usize, tail: &[u8]) -> (Vec<Batch>, Option<Vec<Batch>>) {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    let mut written = Vec::new();
    for _ in 0..3 {
        written.push(append_one(&mut log, 1, 700));
        log.flush().unwrap();
    }
    drop(log);
    let file = disk.open(FIRST).unwrap();
    disk.write_at(&file, from as u64, tail).unwrap();
    match open(&disk, SEGMENT) {
        Ok(opened) => (written, Some(opened.batches)),
        Err(LogError::Damaged(_)) => (written, None),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn cut_at_any_byte_keeps_exactly_the_whole_batches() {
    for from in (4096..4096 + 3 * ENTRY).step_by(7) {
        let zeros = vec![0; SEGMENT as usize - from];
        let (written, found) = reopened(from, &zeros);
        let found = found.expect("a cut is no damage");
        let whole = (from - 4096) / ENTRY;
        // The last bytes of an entry are padding, which is zeros already.
        let padded = (from - 4096) % ENTRY >= ENTRY - 3;
        assert_eq!(
            found,
            written[..whole + usize::from(padded)],
            "cut at {from}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn garbage_sectors_never_become_a_record(
        sector in 0usize..6,
        garbage in prop::collection::vec(any::<u8>(), 512),
        count in 1usize..4,
    ) {
        let from = 4096 + sector * 512;
        let (written, found) = reopened(from, &garbage.repeat(count));
        if let Some(found) = found {
            prop_assert!(found.len() <= written.len());
            prop_assert_eq!(&found[..], &written[..found.len()]);
        }
    }
}

#[test]
fn client_bytes_that_look_like_a_batch_are_no_evidence() {
    // A value holds a copy of a later batch, and the write of it is torn.
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    append_one(&mut log, 1, 10);
    log.flush().unwrap();
    let mut value = vec![1; 800];
    let fake = batch_after(lsn(900), genesis(), 1, &[b"fake"]);
    value.extend_from_slice(fake.bytes());
    let values: Vec<Vec<u8>> = (0..8)
        .map(|pad| [&vec![2; pad][..], &value].concat())
        .collect();
    let bodies: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    let batch = next_batch(&log, 1, &bodies);
    log.append(&batch).unwrap();
    log.flush().unwrap();
    drop(log);
    disk.flip_bit(FIRST, (4096 + 400) * 8);
    let opened = open(&disk, SEGMENT).unwrap();
    assert!(opened.report.torn_tail.is_some());
    assert_eq!(opened.log.written().map(|head| head.lsn), Some(lsn(1)));
}
