//! A batch that was refused for a full disk is in no log, whatever happens
//! afterwards.

use crate::common::*;
use std::sync::Arc;
use understudy_log::segment::HEADER_BLOCK_BYTES;
use understudy_log::sim::decisions;
use understudy_log::{Batch, Disk, Log, LogError, SimDisk};

const SEGMENT: u64 = 16 * 1024;
const FRAME: u64 = 16;

/// A log with one flushed batch, and the next one.
fn with_one() -> (Arc<SimDisk>, Log<SimDisk>, Batch) {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    append_one(&mut log, 1, 100);
    log.flush().unwrap();
    let next = next_batch(&log, 1, &[&body(2, 900)]);
    (disk, log, next)
}

/// Every place in a batch at which the disk may be full.
fn spaces(batch: &Batch) -> std::ops::Range<u64> {
    0..batch.bytes().len() as u64 + FRAME
}

#[test]
fn disk_full_in_the_middle_of_a_batch_leaves_none_of_it_to_a_recovery() {
    let (_, _, batch) = with_one();
    for space in spaces(&batch) {
        let (disk, mut log, batch) = with_one();
        let head = log.flushed();
        disk.limit_space(Some(space));
        let refused = log.append(&batch);
        assert!(matches!(refused, Err(LogError::Full(_))), "space {space}");
        drop(log);
        disk.limit_space(None);
        let again = open(&disk, SEGMENT).unwrap();
        assert_eq!(again.log.written(), head, "a restart, space {space}");
        drop(again);
        for seed in 0..4 {
            let (disk, mut log, batch) = with_one();
            disk.limit_space(Some(space));
            log.append(&batch).unwrap_err();
            disk.crash(&mut decisions(seed));
            disk.limit_space(None);
            let again = open(&disk, SEGMENT).unwrap();
            assert_eq!(again.log.written(), head, "a power cut, space {space}");
        }
    }
}

#[test]
fn frame_that_failed_with_all_its_bytes_in_place_is_cut_off_before_the_answer() {
    let (disk, mut log, batch) = with_one();
    // A frame ends with the high bytes of an lsn, and zeros are there already.
    disk.limit_space(Some(batch.bytes().len() as u64 + FRAME - 1));
    let syncs = disk.sync_count();
    assert!(matches!(log.append(&batch), Err(LogError::Full(_))));
    assert_eq!(disk.sync_count(), syncs + 1, "what was cut off is durable");
    let path = "shards/main/00000000000000000001.seg";
    let bytes = disk.read(path).unwrap();
    assert!(bytes.len() < HEADER_BLOCK_BYTES + 400, "{}", bytes.len());
}

/// What a refused batch left behind must not look like damage once a power
/// cut tore the batches that came after it.
#[test]
fn power_cut_after_a_full_disk_is_no_damage() {
    for seed in 0..400 {
        let mut decide = decisions(seed);
        let (disk, mut log, _) = with_one();
        let kept = append_one(&mut log, 1, 120).position();
        let refused = next_batch(&log, 1, &[&body(3, 120)]);
        disk.limit_space(Some(decide() % spaces(&refused).end));
        log.append(&refused).unwrap_err();
        disk.limit_space(None);
        assert_eq!(log.flush().unwrap(), Some(kept));
        for _ in 0..8 {
            append_one(&mut log, 1, 120);
        }
        disk.crash(&mut decide);
        let again = open(&disk, SEGMENT).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let found = again.batches.iter().any(|batch| batch.position() == kept);
        assert!(found, "seed {seed}");
    }
}

#[test]
fn log_stops_when_it_cannot_prove_that_the_batch_is_gone() {
    let (disk, mut log, batch) = with_one();
    disk.limit_space(Some(batch.bytes().len() as u64 + FRAME - 1));
    disk.fail_sync_after(0);
    assert!(matches!(log.append(&batch), Err(LogError::Flush(_))));
    assert!(matches!(log.append(&batch), Err(LogError::Poisoned)));
}

#[test]
fn log_goes_on_after_a_full_disk_with_other_batches_in_the_same_place() {
    let (_, _, batch) = with_one();
    for space in spaces(&batch).step_by(7) {
        let (disk, mut log, batch) = with_one();
        disk.limit_space(Some(space));
        log.append(&batch).unwrap_err();
        disk.limit_space(None);
        append_one(&mut log, 1, 30);
        append_one(&mut log, 1, 30);
        let head = log.flush().unwrap();
        disk.crash(&mut decisions(space));
        let again = open(&disk, SEGMENT).unwrap();
        assert_eq!(again.log.written(), head, "space {space}");
        assert_eq!(again.report.torn_tail, None, "space {space}");
    }
}

#[test]
fn segment_whose_rename_failed_does_not_stand_in_the_way_of_a_smaller_batch() {
    let (disk, mut log, _) = with_one();
    let large = next_batch(&log, 1, &[&body(2, SEGMENT as usize)]);
    disk.fail_rename_that_happens();
    assert!(matches!(log.append(&large), Err(LogError::Full(_))));
    append_one(&mut log, 1, 30);
    let head = log.flush().unwrap();
    drop(log);
    assert_eq!(open(&disk, SEGMENT).unwrap().log.written(), head);
}
